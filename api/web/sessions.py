"""Who looks at a page: a key, given once in a form, becomes a signed cookie that says what it opened.

The cookie holds no key. It lasts SESSION_HOURS, ends when the set of keys changes (its signature is made from them and from the
namespace, so that it opens no other catalogue), is out of reach of scripts, and comes with no request that another site has caused.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from urllib.parse import quote, urlsplit

from flask import Flask, redirect, render_template, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized
from werkzeug.wrappers import Response

from api.http.api_keys import given_key
from api.http.request_ids import USER
from api.http.route import Access
from api.web.context import PageContext, PageRoute
from contract.text import words

SESSION_HOURS = 12
MAX_FORM_BYTES = 65_536
_RANK: dict[str, int] = {"open": 0, "read": 1, "admin": 2}


class _Cookies(SecureCookieSessionInterface):
    def __init__(self, public_origin: str) -> None:
        self._https_origin = public_origin if public_origin.startswith("https:") else ""

    def get_cookie_secure(self, _app: Flask) -> bool:
        """Over HTTPS only, once it came over HTTPS: Larder itself speaks HTTP, and is often asked without a proxy."""
        return request.is_secure or (bool(self._https_origin) and request.headers.get("Origin", "").lower() == self._https_origin)

    def get_cookie_path(self, _app: Flask) -> str:
        """Of this Larder alone, where its host has others under other paths."""
        return request.script_root or "/"


def protect(app: Flask, context: PageContext) -> None:
    app.session_interface = _Cookies(context.settings.api_public_origin)
    app.secret_key = context.api_keys.secret(f"session of the pages of {context.settings.namespace}")
    app.config.update(
        SESSION_COOKIE_NAME="larder_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
    )


def access_here(context: PageContext) -> Access:
    """The most that the current request may do, by its cookie or by a key in its headers."""
    mark = str(session.get("mark", ""))
    signed: object = session.get("access") if not mark or context.api_keys.name_of(mark) else ""  # a named key may be gone meanwhile
    by_cookie: Access = "admin" if signed == "admin" else "read" if signed == "read" or context.api_keys.is_open else "open"
    return max(context.api_keys.given_access(), by_cookie, _of_user(context), key=lambda access: _RANK[access])


def user_here() -> str:
    """Who has signed in at a trusted proxy, as it says; "" for nobody."""
    return str(request.environ.get(USER, ""))


def _of_user(context: PageContext) -> Access:
    user = user_here()
    if not user:
        return "open"
    return "admin" if {user, "*"} & set(words(context.settings.api_admin_users)) else "read"


def admit(context: PageContext, page: PageRoute) -> Response | None:
    """What to answer in place of `page` to someone who may not see it. A form is taken only from a page of this site."""
    if request.method == "POST":
        _refuse_other_sites(context.settings.api_public_origin)
        if len(request.get_data()) < (request.content_length or 0):  # or a box that was ticked would count as not ticked
            raise BadRequest("The form could not be read to its end.")
    if _RANK[access_here(context)] >= _RANK[page.access]:
        if request.method == "POST" and page.access == "admin":
            _check_token(context)
        return None
    if page.is_part or _is_by_key(context):
        raise Unauthorized("This page needs a key that is known.")
    wanted = request.script_root + request.full_path.rstrip("?")
    return redirect(f"{request.script_root}/sign-in?next={quote(wanted)}", 303)


def token() -> str:
    """What a form of someone who is signed in must send along."""
    found = session.get("token")
    return found if isinstance(found, str) else ""


def _is_by_key(context: PageContext) -> bool:
    """Whether a program asks, which a form to sign in is no answer to. A proxy that people sign in at may send a token of its own along."""
    is_for_us = "X-API-Key" in request.headers or not context.settings.api_user_header
    return context.api_keys.given_access() != "open" or (is_for_us and bool(given_key()))


def _check_token(context: PageContext) -> None:
    # No other site can have a browser send a key in a header. Whom a proxy names may have no cookie of ours: browsers say where a form
    # comes from, which _refuse_other_sites has looked at.
    if context.api_keys.given_access() == "admin":
        return
    if user_here() and ("Origin" in request.headers or "Sec-Fetch-Site" in request.headers):
        return
    own = token()
    if not own or not hmac.compare_digest(own.encode(), request.form.get("token", "").encode()):
        raise Forbidden("The form was not made for this session: go back, reload, and try again.")


def _refuse_other_sites(public_origin: str) -> None:
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    is_known = origin is None or urlsplit(origin).netloc == request.host or origin.lower() == (public_origin or None)
    if site not in ("same-origin", "none") or not is_known:
        raise Forbidden("The form came from another site.")


def pages(context: PageContext) -> list[PageRoute]:
    def sign_in() -> Response | str:
        if request.method == "GET":
            return render_template("sign_in.html", next=_local(request.args.get("next", "")))
        wanted, access = _local(request.form.get("next", "")), context.api_keys.access_of(request.form.get("key", "").strip())
        if access == "open":
            return render_template("sign_in.html", next=wanted, wrong=True)
        session.clear()
        session.permanent = True
        session.update(access=access, token=secrets.token_urlsafe(24), mark=context.api_keys.mark_of(request.form.get("key", "").strip()))
        return redirect(wanted, 303)

    def sign_out() -> Response:
        session.clear()
        return redirect(f"{request.script_root}/", 303)

    return [
        PageRoute("/sign-in", sign_in, "open", ("GET", "POST")),
        PageRoute("/sign-out", sign_out, "open", ("POST",)),
    ]


def _local(address: str) -> str:
    """`address` if it is a path of this site, else the first page: a link must not lead elsewhere after signing in."""
    first = f"{request.script_root}/"
    plain = address.startswith(first) and not address.startswith(("//", "/\\")) and address.isprintable() and "\\" not in address
    return address if plain else first

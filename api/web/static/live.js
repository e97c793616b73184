// Keeps the upper part of the overview up to date: asks for it again, as the server draws it, and changes what is different in the old one.
// What is the same stays untouched: a selection, the focus, what is open or scrolled. Without this script the page is as old as its last reload.
"use strict";

(() => {
  const part = document.getElementById("live");
  const status = document.getElementById("live-status");
  if (!part || !status) return;
  let failures = 0;

  // A screen reader hears what changes in one sentence, not the whole part each second.
  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  const read = async (path) => {
    const answer = await fetch(path, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { status: answer.status });
    return new DOMParser().parseFromString(await answer.text(), "text/html").body;
  };

  // Figures, actions and the table of generations change with a generation, and not each second.
  const renew = async () => {
    const page = await read(part.dataset.page);
    document.dispatchEvent(new CustomEvent("larder:fresh", { detail: page }));
    for (const id of ["tiles", "actions", "generations"]) {
      adopt(document.getElementById(id), page.ownerDocument.getElementById(id));
    }
  };

  const wait = () => window.setTimeout(ask, 1000 * Number(part.firstElementChild.dataset.every || 5) * Math.min(1 + failures, 10));

  const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.id === other.id;

  const adopt = (old, fresh) => {
    if (fresh.dataset && "kept" in fresh.dataset) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
    }
    const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
    after.forEach((child, at) => {
      if (!before[at]) old.append(child);
      else if (alike(before[at], child)) adopt(before[at], child);
      else before[at].replaceWith(child);
    });
    before.slice(after.length).forEach((child) => child.remove());
  };

  const ask = async () => {
    if (document.hidden) return;
    try {
      const fresh = (await read(part.dataset.from)).firstElementChild;
      const before = part.firstElementChild.dataset;
      const isNew = fresh.dataset.served !== before.served || fresh.dataset.version !== before.version;
      if (isNew) await renew();
      document.dispatchEvent(new CustomEvent("larder:fresh", { detail: fresh }));
      adopt(part.firstElementChild, fresh);
      failures = 0;
      say(fresh.dataset.says);
      document.title = `${fresh.dataset.state} – Larder`;
    } catch (error) {
      if (error.status === 401) {
        say("You are signed out: reload the page to sign in again.");
        return;
      }
      failures += 1;
      say("The API does not answer; asking again.");
    }
    wait();
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  wait();
})();

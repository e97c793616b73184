// The explorer's search answers while one types, and a request is copied with one press. Without this script the search is a form,
// and requests are text to select.
"use strict";

(() => {
  const WAIT_MS = 150;
  const field = document.getElementById("q");
  const found = document.getElementById("found");
  if (field && found) {
    let timer = 0;
    let asked = 0;
    const ask = async () => {
      const mine = ++asked;
      const text = field.value.trim();
      if (!text) {
        found.replaceChildren();
        return;
      }
      const address = new URL(found.dataset.from, window.location.href);
      address.searchParams.set("q", text);
      const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
      if (!answer || !answer.ok || mine !== asked) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      if (mine === asked) found.replaceChildren(...fresh.childNodes);
    };
    field.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, WAIT_MS);
    });
    const links = () => [...found.querySelectorAll("a")];
    field.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" || !links().length) return;
      event.preventDefault();
      links()[0].focus();
    });
    found.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const all = links();
      (all[all.indexOf(document.activeElement) + step] || field).focus();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
      event.preventDefault();
      field.focus();
    });
  }

  const select = (code) => {
    const range = document.createRange();
    range.selectNodeContents(code);
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
  };
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const code = document.getElementById(button.dataset.copies);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        select(code);
        button.textContent = "Selected: press Ctrl+C";
      }
    });
  }
})();

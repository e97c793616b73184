// Keeps the upper part of the overview up to date: asks for it again, as the server draws it, and puts it in the old one's place.
// Without this script the page is the same, as old as its last reload.
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

  // The table below is as old as the page: what it calls served is not any more.
  const outdate = () => {
    document.getElementById("newer").hidden = false;
    const was = document.getElementById("was-served");
    if (was) was.textContent = "was served";
  };

  const wait = () => window.setTimeout(ask, 1000 * Number(part.firstElementChild.dataset.every || 5) * Math.min(1 + failures, 10));

  // What has the focus, or is open, in the old part is so in the new one.
  const keep = (change) => {
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...part.querySelectorAll("details[id]")].filter((one) => one.open).map((one) => one.id);
    change();
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus();
  };

  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.from, { headers: { Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) {
        say("You are signed out: reload the page to sign in again.");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
      const before = part.firstElementChild.dataset.served;
      keep(() => part.replaceChildren(fresh));
      failures = 0;
      say(fresh.dataset.says);
      document.title = `${fresh.dataset.state} – Larder`;
      if (fresh.dataset.served !== before) outdate();
    } catch {
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

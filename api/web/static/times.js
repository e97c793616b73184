// Shows times in the reader's time zone instead of UTC, and remembers the choice in this browser. Without this script times are in UTC.
"use strict";

(() => {
  const NAME = "larder.times";
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const button = document.getElementById("zone");
  const says = document.getElementById("zone-says");
  if (!button || !says) return;
  let isLocal = false;
  try {
    isLocal = window.localStorage.getItem(NAME) === "local";
  } catch {
    // A browser that keeps nothing for this page: the choice holds until the next page.
  }

  const spelled = (time) => {
    const at = new Date(time.dateTime);
    const text = new Date(at.getTime() - (isLocal ? at.getTimezoneOffset() * 60000 : 0)).toISOString();
    if (time.dataset.short === undefined) return text.slice(0, 19).replace("T", " ");
    return `${text.slice(8, 10)} ${MONTHS[Number(text.slice(5, 7)) - 1]} ${text.slice(11, 16)}`;
  };
  const show = (part) => {
    for (const time of part.querySelectorAll("time[datetime]")) time.textContent = spelled(time);
  };
  const tell = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "your time zone";
    says.textContent = isLocal ? `Times are in ${zone}; charts are in UTC.` : "Times are in UTC.";
    button.textContent = isLocal ? "Show UTC" : "Show local time";
    button.hidden = false;
  };

  button.addEventListener("click", () => {
    isLocal = !isLocal;
    try {
      window.localStorage.setItem(NAME, isLocal ? "local" : "utc");
    } catch {
      // As above.
    }
    show(document);
    tell();
  });
  // What another script is about to put into the page.
  document.addEventListener("larder:fresh", (event) => {
    if (isLocal) show(event.detail);
  });
  if (isLocal) show(document);
  tell();
})();

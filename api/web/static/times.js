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

  const text = (at) => new Date(at.getTime() - (isLocal ? at.getTimezoneOffset() * 60000 : 0)).toISOString();
  const parts = {
    second: (at) => text(at).slice(11, 19),
    minute: (at) => text(at).slice(11, 16),
    day: (at) => `${text(at).slice(8, 10)} ${MONTHS[Number(text(at).slice(5, 7)) - 1]} ${text(at).slice(0, 4)}`,
    short: (at) => `${parts.day(at).slice(0, 6)} ${parts.minute(at)}`,
    all: (at) => text(at).slice(0, 19).replace("T", " "),
  };
  const partOf = (time) => (time.dataset.short === undefined ? "all" : "short");

  // What a point of a chart says has its time within, in UTC as it comes.
  const STAMP = /\d{4}-\d\d-\d\d \d\d:\d\d/;
  const times = new WeakMap();
  const showPoint = (point) => {
    const says = point.getAttribute("aria-label");
    if (!times.has(point)) times.set(point, new Date(`${(says.match(STAMP) || [""])[0].replace(" ", "T")}Z`));
    const at = times.get(point);
    if (!Number.isNaN(at.getTime())) point.setAttribute("aria-label", says.replace(STAMP, parts.all(at).slice(0, 16)));
  };

  const show = (part) => {
    for (const time of part.querySelectorAll("time[datetime]")) time.textContent = parts[partOf(time)](new Date(time.dateTime));
    for (const date of part.querySelectorAll("text[data-at]")) {
      date.textContent = parts[date.dataset.part](new Date(Number(date.dataset.at) * 1000));
    }
    part.querySelectorAll(".timeline a[aria-label]").forEach(showPoint);
    document.dispatchEvent(new CustomEvent("larder:zone"));
  };
  // Asked for only where it is told: the first Intl of a page takes longer than all the rest of this script.
  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "your time zone";
  const tell = () => {
    says.textContent = isLocal ? `Times are in ${zone()}.` : "Times are in UTC.";
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

// Charts over time: the point that is nearest to the pointer is told below, arrow keys go from point to point, a drag zooms in.
// Without this script every point is a link, and the ranges above the charts zoom.
"use strict";

(() => {
  const LEAST_DRAG = 12;

  const prepare = (figure) => {
    const svg = figure.querySelector("svg");
    const readout = figure.querySelector(".readout");
    const cursor = svg.querySelector(".cursor");
    const brush = svg.querySelector(".brush");
    const links = [...svg.querySelectorAll("a")];
    const xs = links.map((link) => Number(link.firstElementChild.getAttribute("cx")));
    let from = null;
    let told = links.length - 1;

    const tell = () => {
      readout.textContent = links[told].getAttribute("aria-label");
    };
    const show = (at) => {
      told = at;
      tell();
      cursor.setAttribute("x1", xs[at]);
      cursor.setAttribute("x2", xs[at]);
      cursor.setAttribute("visibility", "visible");
    };
    const within = (event) => {
      const box = svg.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    };
    const nearest = (x) => xs.reduce((best, each, at) => (Math.abs(each - x) < Math.abs(xs[best] - x) ? at : best), 0);
    const [left, right] = [70, 626];
    const timeAt = (x) => {
      const [start, end] = [Number(figure.dataset.start), Number(figure.dataset.end)];
      return start + ((Math.min(Math.max(x, left), right) - left) / (right - left)) * (end - start);
    };
    const drop = () => {
      from = null;
      brush.setAttribute("visibility", "hidden");
    };

    svg.addEventListener("pointermove", (event) => {
      const x = within(event);
      show(nearest(x));
      if (from === null) return;
      brush.setAttribute("x", Math.min(from, x));
      brush.setAttribute("width", Math.abs(x - from));
      brush.setAttribute("visibility", "visible");
    });
    svg.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
    svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button !== 0 || event.target.closest("a")) return;
      from = within(event);
      event.preventDefault();
    });
    window.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const ends = [from, within(event)].sort((a, b) => a - b);
      drop();
      if (ends[1] - ends[0] < LEAST_DRAG) return;
      const address = new URL(window.location.href);
      address.searchParams.set("from", Math.floor(timeAt(ends[0])));
      address.searchParams.set("to", Math.ceil(timeAt(ends[1])));
      address.searchParams.set("days", "");
      window.location.assign(address);
    });
    window.addEventListener("keydown", (event) => {
      if (event.key === "Escape") drop();
    });
    document.addEventListener("larder:zone", tell);
    tell();
    links.forEach((link, at) => {
      link.addEventListener("focus", () => show(at));
      link.addEventListener("keydown", (event) => {
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key];
        if (to === undefined || !links[to]) return;
        event.preventDefault();
        link.setAttribute("tabindex", "-1");
        links[to].removeAttribute("tabindex");
        links[to].focus();
      });
    });
  };

  document.querySelectorAll("figure.timeline").forEach(prepare);
})();

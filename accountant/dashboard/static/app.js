"use strict";
// What the pages need beyond htmx: the menu on narrow screens, copying, charts. No markup is made from data.

document.documentElement.classList.add("js");

document.addEventListener("click", (event) => {
  const menu = event.target.closest(".menu");
  if (menu) {
    const open = document.getElementById("places").classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  }
  const copy = event.target.closest("[data-copy]");
  if (copy && navigator.clipboard) {
    navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      copy.textContent = "copied";
      setTimeout(() => { copy.textContent = "copy"; }, 1500);
    });
  }
});

const theme = document.getElementById("theme");
if (theme) {
  theme.form.querySelector("button").classList.add("quiet");
  theme.addEventListener("change", () => theme.form.requestSubmit());
}

document.addEventListener("htmx:configRequest", (event) => {
  const csrf = document.body.dataset.csrf;
  if (csrf) { event.detail.headers["X-CSRF-Token"] = csrf; }
});

// A chart: <div class="chart" data-series="/series/NAME?span=hour"><h3>…</h3><div class="plot"></div><table>…</table></div>
// The address answers {"at": [unix seconds…], "lines": [{"label": …, "values": [number or null…]}], "unit": …}.
function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

// Times as everywhere else on the pages, whatever the locale: 2026-11-30, 21:05
const HOURS_AND_DAYS = [
  ["{h}{aa}", "{HH}:00"], ["{h}", "{HH}"], ["{aa}", ""], ["{M}/{D}/{YY}", "{YYYY}-{MM}-{DD}"], ["{M}/{D}", "{MM}-{DD}"],
];

function drawn(chart, data) {
  const plot = chart.querySelector(".plot");
  plot.replaceChildren();
  if (!data.lines.some((line) => line.values.some((value) => value !== null))) { return told(plot, "Nothing was sampled in this time."); }
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 } };
  const options = {
    width: Math.max(200, plot.clientWidth),
    height: 190,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC"),
    fmtDate: (template) => uPlot.fmtDate(HOURS_AND_DAYS.reduce((text, [from, to]) => text.replace(from, to), template)),
    axes: [axis, { ...axis, size: 64, label: data.unit, labelSize: 20, labelFont: "12px system-ui, sans-serif", values: (_, ticks) => ticks.map((tick) => shortened(tick)) }],
    series: [{ label: "UTC" }, ...data.lines.map((line, at) => ({
      label: data.lines.length > 1 || chart.dataset.series.includes("by=") ? line.label : chart.querySelector("h3").textContent, stroke: colour(`--chart-${1 + at % 4}`), width: 2, spanGaps: false,
      value: (_, value) => value === null ? "–" : `${shortened(value)} ${data.unit}`,
    }))],
  };
  return new uPlot(options, [data.at, ...data.lines.map((line) => line.values)], plot);
}

function told(plot, words) {
  const line = document.createElement("p");
  line.className = "nothing";
  line.textContent = words;
  plot.append(line);
}

function shortened(number) {
  const size = Math.abs(number);
  for (const [least, name] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= least) { return `${Number((number / least).toPrecision(4))}${name}`; }
  }
  return String(Number(number.toPrecision(4)));
}

async function chartAll() {
  for (const chart of document.querySelectorAll(".chart[data-series]")) {
    try {
      const answer = await fetch(chart.dataset.series, { headers: { Accept: "application/json" } });
      if (!answer.ok) { throw new Error(answer.status); }
      drawn(chart, await answer.json());
      chart.dataset.drawn = "true";
    } catch (error) {
      if (chart.dataset.drawn !== "true") {
        const plot = chart.querySelector(".plot");
        plot.replaceChildren();
        told(plot, "It cannot be drawn now; the page tries again.");
      }
      chart.dataset.drawn = "failed";
    }
  }
}

window.addEventListener("load", chartAll);
let resized;
window.addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(chartAll, 200); });
document.addEventListener("charts:again", chartAll);
const every = document.querySelector("[data-charts-every]");
if (every) { setInterval(() => { if (!document.hidden) { chartAll(); } }, 1000 * every.dataset.chartsEvery); }

// A page that is kept up to date says so when it no longer is.
const stale = document.getElementById("stale");
if (stale) {
  let heard = Date.now();
  document.addEventListener("htmx:sseMessage", () => { heard = Date.now(); });
  setInterval(() => { stale.hidden = Date.now() - heard < 10000; }, 1000);
}

"use strict";
// The leaderboard page: one state, one function that draws each part of it. No library, no network.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const PALETTE = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];
const state = { task: 0, sort: "lcss", descending: null, at: 0, list: [], clock: 0, playing: true, last: 0 };

const task = () => data.tasks[state.task];
const sample = () => state.list[state.at];
const entry = (name) => task().entries.find((e) => e.name === name);
const ARROWS = { lower: "↓", higher: "↑", one: "→ 1" };
const lowerIsBetter = (metric) => data.metrics[metric].direction === "lower";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function number(value) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) < 10 ? value.toFixed(3) : value.toFixed(1);
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function makeSvg(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => {
    const option = make("option", { value }, text);
    option.selected = value === chosen;
    return option;
  }));
}

// What cards say of entries that were sent.
const SAID = ["run by", "trained on this corpus?"];
const TEXTS = ["entry", ...SAID];

// ---- table ----------------------------------------------------------------------------------------------------------
function columns() {
  const all = document.querySelector("input[name=columns]:checked").value === "all";
  const shown = all ? task().metrics : data.main.filter((name) => task().metrics.includes(name));
  return [...shown, "coverage"];
}

function valueOf(e, column) {
  if (column === "entry") return e.name;
  if (column === "coverage") return e[column];
  if (SAID.includes(column)) return e.said[SAID.indexOf(column)];
  return e.cells[column] ? e.cells[column][0] : null;
}

// What the rows are sorted by: the chosen column, or the first where this task does not have it.
function sortKey() {
  return TEXTS.includes(state.sort) || columns().includes(state.sort) ? state.sort : columns()[0];
}

function isDown() {
  return state.descending ?? !(TEXTS.includes(sortKey()) || (data.metrics[sortKey()] && lowerIsBetter(sortKey())));
}

function sorted(entries) {
  const down = isDown(), by = sortKey();
  const rank = (e) => valueOf(e, by);
  return [...entries].sort((a, b) => {
    const x = rank(a), y = rank(b);
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return down ? -order : order;
  });
}

function drawTable() {
  const names = columns();
  const down = isDown();
  const head = make("tr");
  const lost = task().entries.some((e) => Object.keys(e.losses).length);
  const said = task().cards ? SAID : [];
  for (const name of ["entry", ...said, ...names]) {
    const about = data.metrics[name];
    const text = about ? `${name}\u00a0${ARROWS[about.direction]}` : name === "coverage" ? "coverage\u00a0↑" : name;
    const words = text.split("_").flatMap((word, i) => (i ? ["_", make("wbr"), word] : [word]));
    const button = make("button", { type: "button", title: about ? tip(about) : "" }, ...words);
    button.addEventListener("click", () => {
      state.descending = sortKey() === name ? !down : null;
      state.sort = name;
      drawTable();
      keep();
      $("board").querySelector(`[data-column="${name}"] button`).focus();
    });
    const cell = make("th", { scope: "col", "data-column": name, ...(SAID.includes(name) ? { class: "said" } : {}) }, button);
    if (name === sortKey()) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    head.append(cell);
  }
  if (lost) head.append(make("th", { scope: "col", title: "parts of 1 - lcss" }, "lost to"));
  const width = 1 + said.length + names.length + (lost ? 1 : 0);
  const bodies = task().sections.map((name, place) => {
    const entries = sorted(task().entries.filter((e) => e.section === place && (e.ranked || $("controls").checked)));
    const over = name && entries.length ? [make("tr", { class: "section" }, make("th", { scope: "rowgroup", colspan: width }, name))] : [];
    return make("tbody", {}, ...over, ...entries.map((e) => row(e, said, names, lost)));
  });
  $("board").replaceChildren(make("caption", {}, task().title), make("thead", {}, head), ...bodies);
  $("cards-note").hidden = !task().cards;
  const keys = LOSSES.map(([part, hue, said]) => make("span", {}, make("i", { style: `background:var(${hue})` }), `${part}: ${said}`));
  $("loss-keys").replaceChildren(...(lost ? [make("b", {}, "Lost to"), ...keys] : []));
  drawMeanings(names);
  drawStated();
}

// How far confidence and alternatives of the entries that state any can be trusted; it ranks nothing.
function drawStated() {
  const names = Object.keys(task().stated.columns);
  $("stated").hidden = !names.length;
  const heads = names.map((name) => make("th", { scope: "col", title: task().stated.columns[name] }, ...name.split("_").flatMap((word, i) => (i ? ["_", make("wbr"), word] : [word]))));
  const rows = Object.entries(task().stated.rows).map(([entry, cells]) => make("tr", {}, make("th", { scope: "row" }, entry), ...cells.map(([value, low, high]) => {
    const box = make("td", {}, number(value));
    if (low !== null && $("intervals").checked) box.append(make("small", {}, `${number(low)}–${number(high)}`));
    return box;
  })));
  const said = names.map((name) => `${name}: ${task().stated.columns[name]}`).join("; ");
  $("stated").querySelector("table").replaceChildren(make("caption", {}, said), make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "entry"), ...heads)), make("tbody", {}, ...rows));
}

const LOSSES = [
  ["direction", "--c1", "strokes drawn backwards"], ["order", "--c2", "strokes in the wrong order"],
  ["merging", "--c4", "strokes joined or parted"], ["route", "--c5", "the way taken at crossings"],
  ["geometry", "--c3", "ink missing, invented or off its place"],
];

// The loss 1 - lcss of an entry as one bar, as long as the loss.
function lossBar(e) {
  const parts = LOSSES.filter(([part]) => e.losses[part]);
  const words = parts.map(([part]) => `${part} ${number(e.losses[part])}`).join(", ") || "nothing";
  const bar = make("span", { class: "loss", role: "img", "aria-label": `lost to ${words}`, title: words });
  for (const [part, hue] of parts) bar.append(make("i", { style: `width:${(100 * e.losses[part]).toFixed(2)}%;background:var(${hue})` }));
  return make("td", {}, bar);
}

const tip = (about) => `${about.said ? `${about.said}. ` : ""}${about.formula} (${about.source})`;

function drawMeanings(names) {
  const shown = names.filter((name) => data.metrics[name]);
  const pairs = shown.flatMap((name) => {
    const about = data.metrics[name];
    return [make("dt", {}, `${name} ${ARROWS[about.direction]}`), make("dd", {}, about.said ? `${about.said}. ` : "", make("code", {}, about.formula), ` ${about.source}`)];
  });
  const more = [["metrics.md", "formulas and controls"], ["protocol.md", "protocol and statistics"], ["benchmark-history.md", "what changed between versions"]];
  const links = more.flatMap(([file, text], i) => [i ? ", " : "Documentation: ", make("a", { href: data.docs + file }, text)]);
  $("meanings").querySelector("dl").replaceChildren(...pairs, make("dt", {}, "More"), make("dd", {}, ...links));
}

function row(e, said, names, lost) {
  const name = make("th", { scope: "row" }, e.name);
  if (e.looks.length) name.append(" ", make("abbr", { title: e.looks.join("\n") }, "†"));
  const line = make("tr", e.ranked ? {} : { class: "control" }, name, ...said.map((column) => make("td", { class: "said" }, valueOf(e, column))));
  for (const name of names) {
    const cell = e.cells[name];
    const text = number(valueOf(e, name));
    const box = make("td", cell && cell[4] ? { class: cell[4] } : {}, text);
    if (cell && cell[1] !== null && $("intervals").checked) box.append(make("small", {}, `${number(cell[1])}–${number(cell[2])}`));
    line.append(box);
  }
  if (lost) line.append(lossBar(e));
  return line;
}

function drawProvenance() {
  $("task-note").textContent = task().note;
  const made = task().provenance.predicted || {};
  $("provenance").textContent = Object.keys(made).length ? "Made with " + Object.entries(made).map(([k, v]) => `${k} ${v}`).join(", ") + "." : "";
}

// ---- plots by part --------------------------------------------------------------------------------------------------
const PARTS = { strokes: "number of strokes", junctions: "number of junctions", length: "length in line heights", script: "script" };

function drawPlots() {
  const metric = $("metric").value, part = $("part").value, about = data.metrics[metric];
  $("formula").textContent = `${metric}: ${about.formula}; ${about.unit || "no unit"}; ${about.direction === "one" ? "told, not ranked" : `${about.direction} is better`}.`;
  const entries = task().entries.filter((e) => e.ranked && e.by[part]);
  const parts = [...new Set(entries.flatMap((e) => Object.keys(e.by[part])))].sort();
  const values = entries.map((e) => parts.map((p) => (e.by[part][p] ? e.by[part][p][metric] : null)));
  const charts = [chart(metric, part, parts, entries)];
  if (metric !== "complete_trajectory" && task().metrics.includes("complete_trajectory")) charts.push(chart("complete_trajectory", part, parts, entries));
  const keys = make("div", { class: "keys" }, ...entries.map((e, j) => make("span", {}, lineKey(j), e.name)));
  const table = make("table", {}, make("caption", {}, `${metric} by ${PARTS[part]}`),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "entry"), ...parts.map((p) => make("th", { scope: "col" }, p)))),
    make("tbody", {}, ...entries.map((e, j) => make("tr", {}, make("th", { scope: "row" }, e.name), ...values[j].map((v) => make("td", {}, number(v)))))));
  const open = $("plot").querySelector("details[open]") !== null;
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${metric} in numbers` }, table);
  const details = make("details", open ? { open: "" } : {}, make("summary", {}, `${metric} in numbers`), scroll);
  $("plot").replaceChildren(make("div", { class: "charts" }, ...charts), keys, details);
}

const tint = (j) => `var(${PALETTE[j % PALETTE.length]})`;
const dashes = (j) => ["", "7 4", "2 3"][Math.floor(j / PALETTE.length) % 3];

function lineKey(j) {
  const svg = makeSvg("svg", { width: 26, height: 10, "aria-hidden": "true" });
  svg.append(makeSvg("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: tint(j), "stroke-width": 2.5, "stroke-dasharray": dashes(j) }));
  return svg;
}

// One metric over the parts: joined by a line where the parts have an order, as dots side by side where they have none.
function chart(metric, part, parts, entries) {
  const room = $("plot").clientWidth || 1180;
  const width = Math.max(300, room > 800 ? (room - 16) / 2 : room), height = 300, left = 48, top = 30, bottom = 46, ordered = part !== "script";
  const values = entries.map((e) => parts.map((p) => (e.by[part][p] ? e.by[part][p][metric] : null)));
  const known = values.flat().filter((v) => v !== null && v !== undefined);
  const low = Math.min(0, ...known), high = Math.max(1e-9, ...known), step = niceStep((high - low) / 4);
  const first = Math.floor(low / step) * step, last = Math.ceil(high / step - 1e-9) * step;
  const x = (i, j) => left + ((width - left - 8) * (i + (ordered ? 0.5 : 0.15 + (0.7 * (j + 0.5)) / entries.length))) / parts.length;
  const y = (v) => top + (height - bottom - top) * (1 - (v - first) / (last - first));
  const name = metric === "complete_trajectory" ? "complete_trajectory (CT rate)" : metric;
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${name} by ${PARTS[part]}; ${part === "script" ? "a dot" : "a line"} for each entry` });
  svg.append(makeSvg("text", { x: 10, y: 18, class: "title" }, `${name} ${ARROWS[data.metrics[metric].direction]}${width < 420 ? "" : ` by ${PARTS[part]}`}`));
  for (let v = first; v <= last + step / 2; v += step) {
    svg.append(makeSvg("line", { x1: left, x2: width - 8, y1: y(v), y2: y(v), class: "grid" }));
    svg.append(makeSvg("text", { x: left - 7, y: y(v) + 4, "text-anchor": "end", class: "soft" }, tickText(v, step)));
  }
  parts.forEach((p, i) => {
    const size = entries[0].by[part][p] ? entries[0].by[part][p].samples : 0;
    svg.append(makeSvg("text", { x: x(i, (entries.length - 1) / 2), y: height - 27, "text-anchor": "middle" }, p));
    svg.append(makeSvg("text", { x: x(i, (entries.length - 1) / 2), y: height - 11, "text-anchor": "middle", class: "soft" }, `n = ${size}`));
  });
  entries.forEach((e, j) => {
    const points = values[j].map((v, i) => [x(i, j), v]).filter(([, v]) => v !== null && v !== undefined).map(([at, v]) => [at, y(v), v]);
    if (ordered && points.length) svg.append(makeSvg("path", { d: "M" + points.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join("L"), fill: "none", stroke: tint(j), "stroke-width": 2, "stroke-dasharray": dashes(j) }));
    for (const [a, b, v] of points) {
      const dot = makeSvg("circle", { cx: a, cy: b, r: ordered ? 3.2 : 4.5, fill: tint(j), "fill-opacity": dashes(j) && !ordered ? 0.55 : 1 });
      dot.append(makeSvg("title", {}, `${e.name}: ${number(v)}`));
      svg.append(dot);
    }
  });
  return svg;
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
}

const tickText = (v, step) => (Math.abs(v) < step / 2 ? "0" : v.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))));

// ---- samples --------------------------------------------------------------------------------------------------------
function orderSamples() {
  const metric = data.main.indexOf($("judge").value), sign = lowerIsBetter($("judge").value) ? 1 : -1;
  const a = $("first").value, b = $("second").value, wanted = $("find").value.trim(), script = $("script").value;
  const score = (s, name) => { const v = s.scores[name] && s.scores[name][metric]; return v === null || v === undefined ? -Infinity : sign * v; };
  const keys = {
    worst: (s) => -score(s, a),
    best: (s) => (score(s, a) === -Infinity ? Infinity : score(s, a)),
    disputed: (s) => { const d = Math.abs(score(s, a) - score(s, b)); return Number.isFinite(d) ? -d : 0; },
    any: () => 0,
  };
  const key = keys[$("order").value];
  state.list = task().samples
    .filter((s) => (!script || s.script === script) && (!wanted || s.label === wanted || s.key.includes(wanted)))
    .map((s, i) => [key(s), i, s]).sort((x, y) => x[0] - y[0] || x[1] - y[1]).map((x) => x[2]);
  state.at = 0;
  drawSample();
  keep();
}

function step(by) {
  if (!state.list.length) return;
  state.at = (state.at + by + state.list.length) % state.list.length;
  drawSample();
  keep();
}

function drawSample() {
  const s = sample();
  $("place").textContent = state.list.length ? `${state.at + 1} of ${state.list.length}` : "0 of 0";
  $("about").textContent = s ? `${s.label ? `“${s.label}”, ` : ""}${s.script}, ${s.truth ? `${s.strokes} stroke${s.strokes === 1 ? "" : "s"}` : "nobody knows how it was written"}, ${s.key}` : "no sample fits";
  state.clock = state.playing ? 0 : 1;
  $("panels").replaceChildren();
  $("speeds").replaceChildren();
  if (!s) return;
  document.querySelector("main").classList.toggle("wide", s.w / s.h > 2.6);
  const a = $("first").value, b = $("second").value;
  state.panels = [["Image", null, ""], ["Truth", unpack(s.truth), ""], ["A", unpack(s.inks[a]), a], ["B", unpack(s.inks[b]), b]].map(([title, ink, name]) => panel(s, title, ink, name));
  drawSpeeds();
  drawFrame();
}

function panel(s, title, ink, name) {
  const scale = Math.max(1, Math.floor(Math.min(1200 / s.w, 520 / s.h)));
  const judge = $("judge").value;
  const canvas = make("canvas", { width: s.w * scale, height: s.h * scale, role: "img", "aria-label": `${title} ${name}: ${ink ? `${ink.length} strokes` : title === "Image" ? "the image" : title === "Truth" ? "not known" : "no answer"}` });
  const scores = name && s.scores[name] ? s.scores[name][data.main.indexOf(judge)] : undefined;
  const note = title === "Image" ? `${s.w} × ${s.h} px` : ink ? `${ink.length} stroke${ink.length === 1 ? "" : "s"}${scores === undefined ? "" : `, ${judge} ${number(scores)}`}` : title === "Truth" ? "not known" : "no answer";
  $("panels").append(make("figure", {}, make("figcaption", {}, name ? `${title}: ${name}` : title, make("span", {}, note)), canvas));
  const image = new Image();
  image.onload = drawFrame;
  image.src = `data:image/png;base64,${s.png}`;
  return { canvas, scale, image, plain: title === "Image", path: ink ? walk(ink) : null };
}

// An ink from text, as strokes of x, y, ms: the reverse of what page.py packs. Without times ms is -1.
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
function unpack(text) {
  if (!text) return null;
  const timed = text[0] !== "~", at = [0, 0, 0];
  return (timed ? text : text.slice(1)).split(",").map((stroke) => {
    const numbers = [], flat = [];
    let value = 0, place = 1;
    for (const sign of stroke) {
      const digit = DIGITS.indexOf(sign);
      value += (digit % 32) * place;
      place *= 32;
      if (digit < 32) { numbers.push(value % 2 ? -(value - 1) / 2 : value / 2); value = 0; place = 1; }
    }
    const size = timed ? 3 : 2;
    for (let i = 0; i < numbers.length; i += size) {
      for (let k = 0; k < size; k++) at[k] += numbers[i + k];
      flat.push(at[0] / 4, at[1] / 4, timed ? at[2] * 4 : -1);
    }
    return flat;
  });
}

// An ink as a list of points with the share of the whole time, pen-up pauses included, at which each is reached.
function walk(ink) {
  const points = [];
  const timed = ink.every((stroke) => stroke.every((v, i) => i % 3 !== 2 || v >= 0));
  let clock = 0;
  ink.forEach((stroke, k) => {
    for (let i = 0; i < stroke.length; i += 3) {
      const x = stroke[i], y = stroke[i + 1], before = points[points.length - 1];
      clock = timed ? stroke[i + 2] : clock + (before ? (i ? Math.hypot(x - before.x, y - before.y) : 6) : 0);
      points.push({ x, y, k, t: clock });
    }
  });
  const start = points[0].t, span = points[points.length - 1].t - start || 1;
  let fastest = 1e-9;
  points.forEach((p, i) => {
    const before = points[i - 1];
    p.speed = before && before.k === p.k ? Math.hypot(p.x - before.x, p.y - before.y) / Math.max(p.t - before.t, span * 1e-4) : null;
    if (p.speed) fastest = Math.max(fastest, p.speed);
  });
  points.forEach((p) => { p.t = (p.t - start) / span; p.fast = (p.speed || 0) / fastest; });
  return { points, timed, strokes: ink.length };
}

function colour(p, path) {
  const how = $("colour").value;
  if (how === "stroke") return `hsl(${(p.k * 137.5 + 10) % 360} 75% 40%)`;
  const share = how === "speed" ? p.fast : p.t;
  return `hsl(${240 - 240 * share} 80% ${how === "speed" ? 45 : 42}%)`;
}

function drawFrame() {
  for (const { canvas, scale, image, plain, path } of state.panels || []) {
    const pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.globalAlpha = plain ? 1 : 0.22;
    if (image.complete) pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    pen.globalAlpha = 1;
    if (path) drawPath(pen, path, scale);
  }
  $("scrub").value = Math.round(state.clock * 1000);
}

function drawPath(pen, path, scale) {
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.lineCap = pen.lineJoin = "round";
  let tip = path.points[0];
  const starts = [];
  path.points.forEach((p, i) => {
    const before = path.points[i - 1];
    if (p.t > state.clock && !(before && before.t <= state.clock)) return;
    const share = !before || p.t <= state.clock ? 1 : (state.clock - before.t) / Math.max(p.t - before.t, 1e-9);
    const same = before && before.k === p.k, from = same ? before : p;
    const to = same ? { x: before.x + (p.x - before.x) * share, y: before.y + (p.y - before.y) * share } : p;
    if (!same && p.t > state.clock) return;
    if (!same && before) {
      pen.strokeStyle = "#8a8a8a"; pen.lineWidth = 0.35; pen.setLineDash([1, 1]);
      pen.beginPath(); pen.moveTo(before.x, before.y); pen.lineTo(p.x, p.y); pen.stroke(); pen.setLineDash([]);
    }
    pen.strokeStyle = colour(p, path); pen.lineWidth = 1.3;
    pen.beginPath(); pen.moveTo(from.x, from.y); pen.lineTo(to.x, to.y + (same ? 0 : 0.01)); pen.stroke();
    if (!same) starts.push(p);
    tip = to;
  });
  pen.fillStyle = "#0b5c2b";
  pen.font = "600 5px system-ui";
  for (const p of starts) pen.fillText(String(p.k + 1), p.x + 1, p.y - 1.2);
  pen.fillStyle = "#000";
  pen.beginPath(); pen.arc(tip.x, tip.y, 1.4, 0, 7); pen.fill();
}

// Path drawn in each of some equal parts of the pen-down time, over the mean: what the velocity metrics compare.
function profile(path, bins) {
  const down = [0], drawn = [0];
  path.points.forEach((p, i) => {
    const before = path.points[i - 1], same = before && before.k === p.k;
    down.push(down[i] + (same ? p.t - before.t : 0));
    drawn.push(drawn[i] + (same ? Math.hypot(p.x - before.x, p.y - before.y) : 0));
  });
  const time = down[down.length - 1], length = drawn[drawn.length - 1];
  if (!(time > 0 && length > 0)) return Array(bins).fill(1);
  let k = 0;
  const reached = Array.from({ length: bins + 1 }, (_, i) => {
    const at = (time * i) / bins;
    while (k < down.length - 2 && down[k + 1] < at) k += 1;
    const span = down[k + 1] - down[k];
    return drawn[k] + (span > 0 ? ((drawn[k + 1] - drawn[k]) * Math.min(1, (at - down[k]) / span)) : 0);
  });
  return reached.slice(1).map((v, i) => ((v - reached[i]) * bins) / length);
}

function drawSpeeds() {
  const width = Math.max(300, $("speeds").clientWidth || 1180), height = 170, left = 30, bins = 40;
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "speed of the pen over the pen-down time, in mean speeds" });
  const [, truth, first, second] = state.panels;
  const lines = [["truth", truth.path, "--ink"], [`A: ${$("first").value}`, first.path, "--a"], [`B: ${$("second").value}`, second.path, "--b"]];
  const drawn = lines.filter(([, path]) => path).map(([name, path, hue]) => [name, path, hue, profile(path, bins)]);
  const top = Math.max(2, Math.ceil(Math.max(...drawn.flatMap(([, , , v]) => v))));
  const y = (v) => height - 20 - ((height - 28) * v) / top;
  for (let v = 0; v <= top; v += Math.ceil(top / 4)) {
    svg.append(makeSvg("line", { x1: left, x2: width - 8, y1: y(v), y2: y(v), class: "grid" }));
    svg.append(makeSvg("text", { x: left - 7, y: y(v) + 4, "text-anchor": "end", class: "soft" }, String(v)));
  }
  svg.append(makeSvg("text", { x: left, y: height - 4, class: "soft" }, "pen-down time →"));
  const keys = make("div", { class: "keys" });
  for (const [name, path, hue, values] of drawn) {
    const d = values.map((v, i) => `${(left + ((width - left - 8) * (i + 0.5)) / bins).toFixed(1)},${y(v).toFixed(1)}`).join("L");
    svg.append(makeSvg("path", { d: `M${d}`, fill: "none", stroke: `var(${hue})`, "stroke-width": 2, "stroke-linejoin": "round" }));
    keys.append(make("span", {}, make("i", { style: `background:var(${hue})` }), path.timed ? name : `${name} (no times: constant speed)`));
  }
  $("speeds").replaceChildren(svg, keys);
}

function tick(now) {
  if (state.playing && state.panels) {
    state.clock += ((now - state.last) / 2600) * Number($("pace").value);
    if (state.clock > 1.25) state.clock = 0;
    moveTo(state.clock, true);
  }
  state.last = now;
  requestAnimationFrame(tick);
}

function moveTo(clock, running = false) {
  state.clock = running ? clock : Math.min(1, Math.max(0, clock));
  if (!running) play(false);
  drawFrame();
}

function play(on) {
  state.playing = on;
  $("play").textContent = on ? "Pause" : "Play";
}

function stepStroke(by) {
  const path = (state.panels[2].path || state.panels[1].path), ends = [0];
  path.points.forEach((p, i) => { const after = path.points[i + 1]; if (!after || after.k !== p.k) ends.push(p.t); });
  const now = state.clock, next = by > 0 ? ends.find((t) => t > now + 1e-6) : [...ends].reverse().find((t) => t < now - 1e-6);
  moveTo(next === undefined ? (by > 0 ? 1 : 0) : next);
}

// ---- the address: what is shown, so that a link shows it again ------------------------------------------------------
const KEPT = ["metric", "part", "first", "second", "judge", "order", "script", "find", "colour"];
let keeping = false;

function keep() {
  if (!keeping) return;
  const said = new URLSearchParams({ task: task().title.split(",")[0], sort: state.sort });
  if (state.descending !== null) said.set("down", String(state.descending));
  said.set("columns", document.querySelector("input[name=columns]:checked").value);
  for (const id of KEPT) if ($(id).value) said.set(id, $(id).value);
  if (sample()) said.set("sample", sample().key);
  history.replaceState(null, "", `#${said}`);
}

function restore() {
  const said = new URLSearchParams(location.hash.slice(1));
  const wanted = data.tasks.findIndex((t) => t.title.split(",")[0] === said.get("task"));
  if (wanted >= 0) { state.task = wanted; $("task").value = String(wanted); }
  const columns = document.querySelector(`input[name=columns][value="${said.get("columns") === "all" ? "all" : "main"}"]`);
  columns.checked = true;
  if (said.get("sort") && (data.metrics[said.get("sort")] || [...TEXTS, "coverage"].includes(said.get("sort")))) state.sort = said.get("sort");
  if (said.has("down")) state.descending = said.get("down") === "true";
  openTask();
  for (const id of KEPT) {
    const value = said.get(id);
    if (value !== null && ($(id).tagName === "INPUT" || [...$(id).options].some((o) => o.value === value))) $(id).value = value;
  }
  drawPlots();
  orderSamples();
  const at = state.list.findIndex((s) => s.key === said.get("sample"));
  if (at > 0) { state.at = at; drawSample(); }
  keeping = true;
}

// ---- wiring ---------------------------------------------------------------------------------------------------------
function openTask() {
  const t = task(), ranked = t.entries.filter((e) => e.ranked).map((e) => [e.name, e.name]);
  const all = t.replayed.map((name) => [name, name]);
  const best = ranked.length ? ranked : all;
  fill($("first"), all, best[0][0]);
  fill($("second"), all, (best[1] || all[1] || all[0])[0]);
  const judges = data.main.filter((m) => t.metrics.includes(m));
  fill($("judge"), judges.map((m) => [m, m]), judges.includes("lcss") ? "lcss" : judges[0]);
  fill($("metric"), t.metrics.map((m) => [m, m]), t.metrics.includes("lcss") ? "lcss" : t.metrics[0]);
  const bins = new Set(t.entries.flatMap((e) => Object.keys(e.by.strokes || {})));
  if (bins.size === 1) $("part").value = "script";
  fill($("script"), [["", "all"], ...[...new Set(t.samples.map((s) => s.script))].sort().map((s) => [s, s])], "");
  drawTable();
  drawProvenance();
  drawPlots();
  orderSamples();
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

for (const id of ["intervals", "controls"]) $(id).parentElement.hidden = !data[id];
if (!data.metrics[state.sort] || !data.tasks.some((t) => t.metrics.includes(state.sort))) state.sort = data.main[0];
fill($("task"), data.tasks.map((t, i) => [String(i), t.title]), "0");
$("foot").textContent = `Made by Kalamos ${data.version}. This page is one file and asks the network for nothing.`;
$("task").addEventListener("change", () => { state.task = Number($("task").value); openTask(); keep(); });
for (const id of ["intervals", "controls"]) $(id).addEventListener("change", drawTable);
for (const radio of document.querySelectorAll("input[name=columns]")) radio.addEventListener("change", () => { drawTable(); keep(); });
for (const id of ["metric", "part"]) $(id).addEventListener("change", () => { drawPlots(); keep(); });
for (const id of ["first", "second", "judge", "order", "script"]) $(id).addEventListener("change", orderSamples);
$("find").addEventListener("input", orderSamples);
$("previous").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("play").addEventListener("click", () => { if (state.clock >= 1) state.clock = 0; play(!state.playing); });
$("back").addEventListener("click", () => stepStroke(-1));
$("forth").addEventListener("click", () => stepStroke(1));
$("scrub").addEventListener("input", () => moveTo(Number($("scrub").value) / 1000));
$("colour").addEventListener("change", () => { drawFrame(); keep(); });
$("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme !== "dark"); drawFrame(); });
document.addEventListener("keydown", (event) => {
  if (/^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { " ": () => $("play").click(), ArrowLeft: () => step(-1), ArrowRight: () => step(1), ",": () => stepStroke(-1), ".": () => stepStroke(1) }[event.key];
  if (act) { event.preventDefault(); act(); }
});
let resized = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => { drawPlots(); if (state.panels && sample()) drawSpeeds(); });
});
setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
if (matchMedia("(prefers-reduced-motion: reduce)").matches) play(false);
restore();
addEventListener("hashchange", () => { keeping = false; restore(); });
if (!state.playing) moveTo(1);
requestAnimationFrame((now) => { state.last = now; requestAnimationFrame(tick); });

// One page: what is chosen, what is being done, and every action by mouse and by key.
import { Player, timed } from "./player.js";
import { get, post } from "./server.js";
import { Stage, nearest } from "./stage.js";

const at = (id) => document.getElementById(id);
const UNSURE = 0.5;

export class Editor {
  constructor(say, leave, askFacts) {
    this.say = say; this.leave = leave; this.askFacts = askFacts; this.key = null; this.chosen = []; this.head = -1; this.known = new Map(); this.mode = null; this.busy = Promise.resolve();
    this.stage = new Stage(at("stage"), at("canvas"));
    this.player = new Player((player) => {
      this.stage.moment = player.moment; this.stage.draw();
      at("play").textContent = player.runs ? "Stop" : "Play";
      at("scrub").value = player.moment >= player.total ? 1000 : Math.round(1000 * player.moment / player.total);
    });
    this.listen();
  }

  async open(key) {
    this.key = key; this.known.clear(); this.chosen = []; this.head = -1; this.end();
    const said = await get("page", { key });
    if (this.key !== key) return;
    this.take(said);
  }

  close() { this.key = null; this.end(); this.player.stop(); clearTimeout(this.waiting); }

  take(said) {
    const page = { ...this.page, key: this.key, ...said };
    this.page = page;
    for (const part of said.parts || []) if (part.strokes) this.known.set(part.id, part);
    page.parts = (said.parts || []).map((part) => this.known.get(part.id));
    page.strokes = page.parts.flatMap((part, k) => part.strokes.map((stroke, n) => ({
      ...stroke, part: k, n, pen: part.pen, unsure: !stroke.hand && !part.changed && ((stroke.sure !== null && stroke.sure < UNSURE) || Boolean(part.warning)) })));
    this.player.total = timed(page.strokes);
    this.chosen = this.chosen.filter((k) => k < page.strokes.length);
    this.head = this.chosen.length ? Math.min(Math.max(this.head, 0), page.strokes.length - 1) : -1;
    this.stage.open(page);
    this.show();
    clearTimeout(this.waiting);
    if (page.state === "waiting") this.waiting = setTimeout(() => this.key === page.key && this.open(page.key).catch((error) => this.say(error.message)), 1500);
  }

  get part() { return this.head >= 0 ? this.page.strokes[this.head].part : this.emptyPart ?? -1; }

  // The chosen strokes of the piece of the last one; actions are on one piece.
  get places() { const part = this.part; return this.chosen.map((k) => this.page.strokes[k]).filter((stroke) => stroke.part === part).map((stroke) => stroke.n).sort((a, b) => a - b); }

  show() {
    const { page } = this, has = this.places.length, part = page.parts[this.part];
    at("title").textContent = page.key.replace(/#1$/, "");
    at("undo").disabled = !page.undo; at("redo").disabled = !page.redo; at("save").disabled = !page.parts.length;
    at("again").hidden = Boolean(page.begun) || page.state === "waiting";
    const states = { waiting: "Its ink is being recovered …", failed: `No ink: ${page.error}`, blank: "No ink was found here." };
    at("status").textContent = states[page.state] || (page.saved ? "Saved as right." : page.begun ? "Kept, not yet saved as right." : `${page.strokes.length} strokes by ${page.method}. ${(page.remarks || []).join("; ")}`);
    const able = { reverse: has, earlier: has, later: has, merge: has > 1, split: has === 1, redraw: has === 1, draw: page.parts.length, delete: has,
      path: part && part.paths > 1, "piece-earlier": part && this.part > 0, "piece-later": part && this.part < page.parts.length - 1 };
    for (const button of document.querySelectorAll("[data-do]")) button.disabled = !able[button.dataset.do];
    const path = document.querySelector("[data-do=path]");
    path.textContent = part && part.paths > 1 ? `Next path (${part.chosen + 1} of ${part.paths})` : "Next path";
    this.stage.chosen = new Set(this.chosen); this.stage.focus = this.part; this.stage.draw();
    this.list();
  }

  list() {
    const box = at("list"), rows = [];
    this.page.parts.forEach((part, k) => {
      const head = document.createElement("div"); head.className = "piece"; head.setAttribute("role", "presentation");
      const sure = part.confidence === null || part.changed ? "" : `, confidence ${Math.round(100 * part.confidence)} %`;
      head.textContent = `Piece ${k + 1}, line ${part.line + 1}${sure}${part.changed ? ", changed" : part.warning ? `: ${part.warning}` : ""}`;
      head.addEventListener("click", () => { const first = this.page.strokes.findIndex((stroke) => stroke.part === k); this.emptyPart = k; if (first >= 0) this.choose(first); else { this.chosen = []; this.head = -1; this.show(); } });
      rows.push(head);
    });
    const heads = rows.splice(0);
    this.page.parts.forEach((part, k) => {
      rows.push(heads[k]);
      this.page.strokes.forEach((stroke, n) => { if (stroke.part === k) rows.push(this.row(stroke, n)); });
    });
    const top = box.scrollTop;
    box.replaceChildren(...rows);
    box.scrollTop = top;
    if (this.head >= 0) { box.setAttribute("aria-activedescendant", `s${this.head}`); document.getElementById(`s${this.head}`)?.scrollIntoView({ block: "nearest" }); } else box.removeAttribute("aria-activedescendant");
  }

  row(stroke, k) {
    const row = document.createElement("div"), note = document.createElement("small");
    row.className = "stroke"; row.id = `s${k}`; row.setAttribute("role", "option"); row.setAttribute("aria-selected", String(this.chosen.includes(k))); row.draggable = true;
    note.textContent = `${stroke.xy.length / 2} points${stroke.hand ? ", by hand" : stroke.unsure ? ", not sure" : stroke.sure === null ? "" : `, ${Math.round(100 * stroke.sure)} %`}`;
    row.append(`Stroke ${k + 1}`, note);
    row.addEventListener("click", (event) => this.choose(k, event.shiftKey || event.ctrlKey || event.metaKey));
    row.addEventListener("dragstart", (event) => { if (!this.chosen.includes(k)) this.choose(k, false, true); event.dataTransfer.setData("text/plain", String(k)); event.dataTransfer.effectAllowed = "move"; });
    row.addEventListener("dragover", (event) => { event.preventDefault(); row.classList.add("over"); });
    row.addEventListener("dragleave", () => row.classList.remove("over"));
    row.addEventListener("drop", (event) => { event.preventDefault(); row.classList.remove("over"); this.drop(stroke); });
    return row;
  }

  drop(target) {
    const below = this.page.strokes[this.head], places = this.places;
    if (!below || !places.length) return;
    const same = target.part === below.part, down = same && target.n > places[0];
    this.move(places, below.part, target.part, target.n + (down ? 1 : 0));
  }

  choose(k, more = false, quiet = false) {
    if (more && this.page.strokes[k].part === this.part) this.chosen = this.chosen.includes(k) && this.chosen.length > 1 ? this.chosen.filter((one) => one !== k) : [...new Set([...this.chosen, k])];
    else this.chosen = [k];
    this.head = this.chosen.includes(k) ? k : this.chosen[this.chosen.length - 1];
    this.end();
    if (quiet) { for (const row of document.querySelectorAll("#list .stroke")) row.setAttribute("aria-selected", String(this.chosen.includes(Number(row.id.slice(1))))); this.stage.chosen = new Set(this.chosen); this.stage.draw(); return; }
    this.stage.reveal(boxOf(this.page.strokes[this.head].xy));
    this.show();
  }

  step(by, more) {
    const n = this.page.strokes.length;
    if (!n) return;
    const k = this.head < 0 ? (by > 0 ? 0 : n - 1) : Math.min(n - 1, Math.max(0, this.head + by));
    if (more && this.chosen.includes(k)) { this.chosen = this.chosen.filter((one) => one !== this.head || one === k); this.head = k; this.show(); } else this.choose(k, more);
  }

  stepPart(by) {
    const k = Math.min(this.page.parts.length - 1, Math.max(0, this.part < 0 ? 0 : this.part + by));
    const first = this.page.strokes.findIndex((stroke) => stroke.part === k);
    this.emptyPart = k;
    if (first >= 0) this.choose(first); else { this.chosen = []; this.head = -1; this.show(); }
  }

  // One action after another: the next one is on the state that the one before has left.
  act(make, after = null) {
    this.busy = this.busy.then(async () => {
      const action = typeof make === "function" ? make() : make;
      if (!action || !this.key) return;
      const key = this.key;
      try {
        const said = await post("act", { key, version: this.page.version, have: Math.max(0, ...this.known.keys()), action });
        if (this.key !== key) return;
        if (after) this.pick(after, said); else if (["undo", "redo", "choose", "delete"].includes(action.do)) { this.emptyPart = Math.max(0, this.part); this.chosen = []; this.head = -1; }
        this.say("");
        this.take(said);
      } catch (error) {
        this.say(error.message);
        if (error.status === 409 && this.key === key) await this.open(key).catch((again) => this.say(again.message));
      }
    });
    return this.busy;
  }

  // Choose strokes by piece and places in what the server has just said.
  pick({ part, places }, said) {
    const parts = said.parts.map((one) => one.strokes ? one : this.known.get(one.id));
    const before = parts.slice(0, part).reduce((sum, one) => sum + one.strokes.length, 0);
    this.chosen = places.map((n) => before + n).filter((k) => k >= before && k < before + parts[part].strokes.length);
    this.head = this.chosen.length ? this.chosen[0] : -1;
    this.emptyPart = part;
  }

  move(places, part, toPart, to) {
    const n = part === toPart ? to - places.filter((place) => place < to).length : to;
    return this.act({ do: "move", part, strokes: places, to_part: toPart, to }, { part: toPart, places: places.map((_, k) => n + k) });
  }

  do(name) {
    const places = this.places, part = this.part, page = this.page;
    const n = part >= 0 ? page.parts[part].strokes.length : 0;
    if (name === "undo" || name === "redo") return this.act(() => this.page[name] ? { do: name } : null);
    if (name === "draw") return this.begin("draw");
    if (part < 0) return null;
    if (name === "path") return this.act(() => { const one = this.page.parts[part]; return one.paths > 1 ? { do: "choose", part, path: (one.chosen + 1) % one.paths } : null; }, { part, places: [0] });
    if (name === "piece-earlier") return part > 0 ? this.act({ do: "order", part, to: part - 1 }, { part: part - 1, places: places.length ? places : [0] }) : null;
    if (name === "piece-later") return part < page.parts.length - 1 ? this.act({ do: "order", part, to: part + 2 }, { part: part + 1, places: places.length ? places : [0] }) : null;
    if (!places.length) return null;
    if (name === "reverse") return this.act({ do: "reverse", part, strokes: places }, { part, places });
    if (name === "earlier") return places[0] > 0 ? this.move(places, part, part, places[0] - 1) : part > 0 ? this.move(places, part, part - 1, page.parts[part - 1].strokes.length) : null;
    if (name === "later") return places[places.length - 1] < n - 1 ? this.move(places, part, part, places[places.length - 1] + 2) : part < page.parts.length - 1 ? this.move(places, part, part + 1, 0) : null;
    if (name === "merge") return places.length > 1 ? this.act({ do: "merge", part, strokes: places }, { part, places: [places[0]] }) : null;
    if (name === "delete") return this.act({ do: "delete", part, strokes: places }, { part, places: [Math.min(places[0], n - places.length - 1)] });
    if (name === "split" || name === "redraw") return places.length === 1 ? this.begin(name) : null;
    return null;
  }

  begin(mode) {
    this.end();
    if (!this.page.parts.length) return;
    const stroke = this.page.strokes[this.head];
    if (mode === "split") {
      const n = stroke.xy.length / 2;
      if (n < 3) { this.say("This stroke is too short to be split."); return; }
      this.mode = { name: mode, point: Math.floor(n / 2), n };
      this.stage.cut = [stroke.xy[2 * this.mode.point], stroke.xy[2 * this.mode.point + 1]];
    } else {
      const box = this.page.parts[Math.max(0, this.part)].box;
      this.mode = { name: mode, xy: [], t: [], keys: false };
      this.stage.pen = stroke ? [stroke.xy[0], stroke.xy[1]] : [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      this.stage.drawn = [];
    }
    at("mode").textContent = { split: "Split: ← → and Enter, or click the place", redraw: "Redraw the stroke", draw: "Draw a new stroke" }[mode] + ". Esc ends.";
    at("mode").hidden = false;
    at("stage").focus(); this.stage.draw();
  }

  end() { this.mode = null; this.stage.cut = this.stage.pen = null; this.stage.drawn = []; at("mode").hidden = true; this.stage.draw(); }

  cutAt(point) {
    const part = this.part, places = this.places, n = this.page.strokes[this.head].xy.length / 2;
    this.end();
    if (point <= 0 || point >= n - 1) { this.say("A stroke is split between its ends."); return; }
    this.act({ do: "split", part, strokes: places, point }, { part, places: [places[0] + 1] });
  }

  drawnStroke() {
    const { name, xy, t, keys } = this.mode, part = Math.max(0, this.part), places = this.places;
    this.end();
    if (!xy.length) return;
    const drawn = { xy: xy.map(([x, y]) => [Math.round(100 * x) / 100, Math.round(100 * y) / 100]), ...(keys ? {} : { t: t.map((value) => Math.round(value - t[0]) / 1000) }) };
    if (name === "redraw") this.act({ do: "redraw", part, strokes: places, ...drawn }, { part, places });
    else { const to = places.length ? places[places.length - 1] + 1 : this.page.parts[part].strokes.length; this.act({ do: "draw", part, at: to, ...drawn }, { part, places: [to] }); }
  }

  async save() {
    await this.busy;
    if (!this.page?.parts.length) return;
    if (!(await this.askFacts(false))) return;
    try {
      const said = await post("save", { key: this.key, version: this.page.version });
      this.take(said); this.say(`Saved as ${said.file}.`);
    } catch (error) {
      this.say(error.message);
      if (error.status === 409) await this.open(this.key).catch((again) => this.say(again.message));
    }
  }

  async again() {
    try { await post("recover", { key: this.key }); await this.open(this.key); } catch (error) { this.say(error.message); }
  }

  listen() {
    for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => this.do(button.dataset.do));
    at("undo").addEventListener("click", () => this.do("undo")); at("redo").addEventListener("click", () => this.do("redo"));
    at("save").addEventListener("click", () => this.save()); at("again").addEventListener("click", () => this.again());
    at("back").addEventListener("click", () => this.leave());
    at("play").addEventListener("click", () => this.player.toggle());
    at("scrub").addEventListener("input", () => this.player.to(at("scrub").value / 1000));
    at("speed").addEventListener("change", () => { this.player.speed = Number(at("speed").value); });
    at("colour").addEventListener("change", () => { this.stage.colour = at("colour").value; this.stage.draw(); });
    at("scan").addEventListener("change", () => { this.stage.showsPicture = at("scan").checked; this.stage.draw(); });
    at("in").addEventListener("click", () => this.stage.zoomBy(1.4)); at("out").addEventListener("click", () => this.stage.zoomBy(1 / 1.4)); at("fit").addEventListener("click", () => this.stage.fit());
    const box = at("stage");
    box.addEventListener("wheel", (event) => { event.preventDefault(); const place = box.getBoundingClientRect(); this.stage.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - place.left, event.clientY - place.top); }, { passive: false });
    box.addEventListener("pointerdown", (event) => this.down(event));
    box.addEventListener("pointermove", (event) => this.moved(event));
    for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, (event) => this.up(event));
    box.addEventListener("dblclick", (event) => { const hit = this.page && !this.mode && this.stage.hit(this.stage.place(event)); if (hit) { this.choose(hit.stroke); this.cutAt(hit.point); } });
  }

  down(event) {
    if (event.button > 1 || !this.page) return;
    at("stage").focus({ preventScroll: true });
    at("stage").setPointerCapture(event.pointerId);
    this.held = { x: event.clientX, y: event.clientY, moved: false, shift: event.shiftKey };
    if (this.mode?.xy && event.button === 0) { this.mode.xy = []; this.mode.t = []; this.mode.keys = false; this.mode.down = true; this.addPoint(event); }
  }

  addPoint(event) {
    for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
      const place = this.stage.place(one), last = this.mode.xy[this.mode.xy.length - 1];
      if (last && Math.hypot(place[0] - last[0], place[1] - last[1]) < 0.3 / this.stage.zoom) continue;
      this.mode.xy.push(place); this.mode.t.push(Math.max(one.timeStamp, this.mode.t[this.mode.t.length - 1] ?? 0));
    }
    this.stage.drawn = this.mode.xy; this.stage.pen = null; this.stage.draw();
  }

  moved(event) {
    if (!this.held) return;
    if (this.mode?.down) { this.addPoint(event); return; }
    const dx = event.clientX - this.held.x, dy = event.clientY - this.held.y;
    if (!this.held.moved && Math.hypot(dx, dy) < 4) return;
    this.held.moved = true; this.held.x = event.clientX; this.held.y = event.clientY;
    this.stage.pan(dx, dy);
  }

  up(event) {
    const held = this.held;
    this.held = null;
    if (!held || !this.page) return;
    if (this.mode?.down) { this.mode.down = false; if (event.type === "pointerup") this.drawnStroke(); else this.end(); return; }
    if (held.moved) return;
    const place = this.stage.place(event);
    if (this.mode?.name === "split") { this.cutAt(nearest(this.page.strokes[this.head].xy, ...place).point); return; }
    const hit = this.stage.hit(place);
    if (hit) this.choose(hit.stroke, held.shift || event.ctrlKey || event.metaKey);
    else if (!held.shift) { this.chosen = []; this.head = -1; this.emptyPart = undefined; this.show(); }
  }

  // Return whether the key was one of the page's.
  key_(event) {
    const { key } = event, control = event.ctrlKey || event.metaKey;
    if (!this.page?.parts) return false;
    if (control) {
      const name = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()];
      if (name) { this.do(name); return true; }
      if (key.toLowerCase() === "s") { this.save(); return true; }
      return false;
    }
    if (event.altKey) return false;
    if (this.mode && this.modeKey(event)) return true;
    const inPicture = document.activeElement === at("stage");
    const pan = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[key];
    if (inPicture && event.shiftKey && pan) { this.stage.pan(...pan); return true; }
    const run = {
      ArrowDown: () => this.step(1, event.shiftKey), ArrowUp: () => this.step(-1, event.shiftKey), j: () => this.step(1), J: () => this.step(1, true), k: () => this.step(-1), K: () => this.step(-1, true),
      n: () => this.stepPart(1), p: () => this.stepPart(-1), r: () => this.do("reverse"), "[": () => this.do("earlier"), "]": () => this.do("later"), m: () => this.do("merge"), x: () => this.do("split"),
      Delete: () => this.do("delete"), Backspace: () => this.do("delete"), w: () => this.do("redraw"), d: () => this.do("draw"), a: () => this.do("path"), "{": () => this.do("piece-earlier"), "}": () => this.do("piece-later"),
      " ": () => this.player.toggle(), "+": () => this.stage.zoomBy(1.4), "=": () => this.stage.zoomBy(1.4), "-": () => this.stage.zoomBy(1 / 1.4), 0: () => this.stage.fit(), Escape: () => this.leave(),
    }[key];
    if (!run) return false;
    run();
    return true;
  }

  modeKey(event) {
    const { key } = event, mode = this.mode;
    if (key === "Escape") { this.end(); return true; }
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (mode.name === "split") {
      if (key === "Enter") { this.cutAt(mode.point); return true; }
      if (!by) return false;
      mode.point = Math.min(mode.n - 2, Math.max(1, mode.point + (by[0] || by[1]) * (event.shiftKey ? 10 : 1)));
      const { xy } = this.page.strokes[this.head];
      this.stage.cut = [xy[2 * mode.point], xy[2 * mode.point + 1]]; this.stage.draw();
      return true;
    }
    if (key === "Enter") { this.drawnStroke(); return true; }
    if (key === " ") { mode.keys = true; mode.xy.push([...this.stage.pen]); this.stage.drawn = mode.xy; this.stage.draw(); return true; }
    if (!by) return false;
    const far = (event.shiftKey ? 20 : 4) / this.stage.zoom;
    this.stage.pen = [this.stage.pen[0] + far * by[0], this.stage.pen[1] + far * by[1]]; this.stage.draw();
    return true;
  }
}

function boxOf(xy) {
  const xs = xy.filter((_, k) => k % 2 === 0), ys = xy.filter((_, k) => k % 2 === 1);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

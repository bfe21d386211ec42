// One page: what is chosen, what is being done, and every action by mouse and by key.
import { Player, timed } from "./player.js";
import { get, post } from "./server.js";
import { Stage, nearest } from "./stage.js";

const at = (id) => document.getElementById(id);
const UNSURE = 0.5;
const ACTION_KEYS = { r: "reverse", "[": "earlier", "]": "later", m: "merge", x: "split", Delete: "delete", Backspace: "delete", w: "redraw", d: "draw", a: "path", "{": "piece-earlier", "}": "piece-later", t: "label" };
const KEYS = new Set([...Object.keys(ACTION_KEYS), "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "j", "J", "k", "K", "n", "p", " ", "+", "=", "-", "0", "Escape", "Enter"]);

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
    const other = this.page?.key !== key;
    this.key = key; this.known.clear(); this.chosen = []; this.head = -1; this.end();
    if (other) this.blank({ state: "opening" });
    try {
      const said = await get("page", { key });
      if (this.key === key) this.take(said);
    } catch (error) {
      if (this.key === key && other) this.blank({ state: "failed", error: error.message });
      throw error;
    }
  }

  // Show nothing: what the last page showed must not be taken for this one, nor meet its keys.
  blank(said) { this.page = null; this.emptyPart = undefined; this.player.stop(); this.take(said); }

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
    this.stage.open(page.width ? page : null);
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
    at("again").hidden = Boolean(page.begun) || !page.width || page.state === "waiting";
    const states = { opening: "Opening …", waiting: "Its ink is being recovered …", failed: `No ink: ${page.error}`, blank: "No ink was found here." };
    at("status").textContent = states[page.state] || (page.saved ? "Saved as right." : page.begun ? "Kept, not yet saved as right." : `${page.strokes.length} strokes by ${page.method}. ${(page.remarks || []).join("; ")}`);
    const able = { reverse: has, earlier: has, later: has, merge: has > 1, split: has === 1, redraw: has === 1, draw: page.parts.length, delete: has,
      path: part && part.paths > 1, "piece-earlier": part && this.part > 0, "piece-later": part && this.part < page.parts.length - 1 };
    for (const button of document.querySelectorAll("[data-do]")) button.disabled = !able[button.dataset.do];
    const path = document.querySelector("[data-do=path]");
    path.textContent = part && part.paths > 1 ? `Next path (${part.chosen + 1} of ${part.paths})` : "Next path";
    const label = at("label");
    label.disabled = !part;
    if (document.activeElement !== label || label.dataset.id !== String(part?.id)) label.value = part?.label ?? "";
    label.dataset.id = String(part?.id);
    this.stage.chosen = new Set(this.chosen); this.stage.focus = this.part; this.stage.draw();
    this.list();
  }

  list() {
    const box = at("list"), rows = [];
    this.page.parts.forEach((part, k) => {
      const head = document.createElement("div"); head.className = "piece"; head.setAttribute("role", "presentation");
      const sure = part.confidence === null || part.changed ? "" : `, confidence ${Math.round(100 * part.confidence)} %`;
      head.textContent = `${part.label ? `“${part.label}”, piece` : "Piece"} ${k + 1}, line ${part.line + 1}${sure}${part.changed ? ", changed" : part.warning ? `: ${part.warning}` : ""}`;
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
    row.addEventListener("click", (event) => this.queue(() => k < this.page.strokes.length && this.choose(k, event.shiftKey || event.ctrlKey || event.metaKey)));
    row.addEventListener("dragstart", (event) => { if (!this.chosen.includes(k)) this.choose(k, false, true); event.dataTransfer.setData("text/plain", String(k)); event.dataTransfer.effectAllowed = "move"; });
    row.addEventListener("dragover", (event) => { event.preventDefault(); row.classList.add("over"); });
    row.addEventListener("dragleave", () => row.classList.remove("over"));
    row.addEventListener("drop", (event) => { event.preventDefault(); row.classList.remove("over"); this.queue(() => this.drop(stroke)); });
    return row;
  }

  drop(target) {
    const below = this.page.strokes[this.head], places = this.places;
    if (!below || !places.length) return null;
    const same = target.part === below.part, down = same && target.n > places[0];
    return this.move(places, below.part, target.part, target.n + (down ? 1 : 0));
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

  // One thing after another, keys and clicks alike: each meets the state that the one before has left, however fast they come.
  queue(run) { this.busy = this.busy.then(run).catch((error) => this.say(error.message)); return this.busy; }

  async act(action, after = null) {
    if (!this.key) return;
    const key = this.key;
    try {
      const said = await post("act", { key, version: this.page.version, have: this.page.parts.map((part) => part.id), action });
      if (this.key !== key) return;
      if (after) this.pick(typeof after === "function" ? after() : after, said); else { this.emptyPart = Math.max(0, this.part); this.chosen = []; this.head = -1; }
      this.say("");
      this.take(said);
    } catch (error) {
      this.say(error.message);
      if (error.status === 409 && this.key === key) await this.open(key).catch((again) => this.say(again.message));
    }
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
    if (name === "undo" || name === "redo") return page[name] ? this.act({ do: name }) : null;
    if (name === "draw") return this.begin("draw");
    if (part < 0) return null;
    if (name === "label") { at("label").focus(); at("label").select(); return null; }
    if (name === "path") return page.parts[part].paths > 1 ? this.act({ do: "choose", part, path: (page.parts[part].chosen + 1) % page.parts[part].paths }, { part, places: [0] }) : null;
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
    if (point <= 0 || point >= n - 1) { this.say("A stroke is split between its ends."); return null; }
    return this.act({ do: "split", part, strokes: places, point }, { part, places: [places[0] + 1] });
  }

  drawnStroke() {
    const { name, xy, t, keys } = this.mode, part = Math.max(0, this.part), places = this.places;
    this.end();
    if (!xy.length) return null;
    const drawn = { xy: xy.map(([x, y]) => [Math.round(100 * x) / 100, Math.round(100 * y) / 100]), ...(keys ? {} : { t: t.map((value) => Math.round(value - t[0]) / 1000) }) };
    if (name === "redraw") return this.act({ do: "redraw", part, strokes: places, ...drawn }, { part, places });
    const to = places.length ? places[places.length - 1] + 1 : this.page.parts[part].strokes.length;
    return this.act({ do: "draw", part, at: to, ...drawn }, { part, places: [to] });
  }

  // Say what is written in the piece whose text is in the field, if that is new; Enter goes on to the next piece at once,
  // so that what is typed meanwhile is that one's.
  write(label, on) {
    const text = label.value, id = Number(label.dataset.id);
    if (on) { this.stepPart(1); label.focus(); label.select(); }
    return this.queue(() => {
      const part = this.page?.parts?.findIndex((one) => one.id === id) ?? -1;
      if (part < 0 || text.trim() === this.page.parts[part].label) return null;
      return this.act({ do: "label", part, text }, () => ({ part: this.part, places: this.places }));
    });
  }

  async save() {
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
    for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => this.queue(() => this.do(button.dataset.do)));
    for (const name of ["undo", "redo"]) at(name).addEventListener("click", () => this.queue(() => this.do(name)));
    at("save").addEventListener("click", () => this.queue(() => this.save())); at("again").addEventListener("click", () => this.queue(() => this.again()));
    at("back").addEventListener("click", () => this.leave());
    at("label").addEventListener("change", () => this.write(at("label"), false));
    at("label").addEventListener("keydown", (event) => {
      if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
      event.preventDefault(); event.stopPropagation();
      if (event.key === "Enter") this.write(at("label"), true);
      else { at("label").value = this.page.parts[this.part]?.label ?? ""; at("list").focus(); }
    });
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
    box.addEventListener("dblclick", (event) => this.queue(() => { const hit = this.page && !this.mode && this.stage.hit(this.stage.place(event)); if (!hit) return null; this.choose(hit.stroke); return this.cutAt(hit.point); }));
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
    if (this.mode?.down) { this.mode.down = false; if (event.type === "pointerup") this.queue(() => this.drawnStroke()); else this.end(); return; }
    if (held.moved) return;
    const place = this.stage.place(event), more = event.ctrlKey || event.metaKey;
    this.queue(() => this.clicked(place, held.shift || more));
  }

  clicked(place, more) {
    if (this.mode?.name === "split") return this.cutAt(nearest(this.page.strokes[this.head].xy, ...place).point);
    const hit = this.stage.hit(place);
    if (hit) this.choose(hit.stroke, more);
    else if (!more) { this.chosen = []; this.head = -1; this.emptyPart = undefined; this.show(); }
    return null;
  }

  // Return whether the key is one of the page's; what it does waits for what came before it.
  key_({ key, ctrlKey, metaKey, altKey, shiftKey }) {
    if (!this.page?.parts || (altKey && !ctrlKey)) return false;
    const control = ctrlKey || metaKey;
    if (control ? !"zys".includes(key.toLowerCase()) : !KEYS.has(key)) return false;
    const inPicture = document.activeElement === at("stage");
    this.queue(() => this.key && (control ? this.controlKey(key.toLowerCase(), shiftKey) : this.plainKey(key, shiftKey, inPicture)));
    return true;
  }

  controlKey(key, shift) {
    if (key === "s") return this.save();
    this.end();
    return this.do(key === "y" || shift ? "redo" : "undo");
  }

  plainKey(key, shift, inPicture) {
    if (this.mode) { const done = this.modeKey(key, shift); if (done !== undefined) return done; }
    const pan = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[key];
    if (inPicture && shift && pan) return this.stage.pan(...pan);
    const name = ACTION_KEYS[key];
    if (name) return this.do(name);
    return {
      ArrowDown: () => this.step(1, shift), ArrowUp: () => this.step(-1, shift), j: () => this.step(1), J: () => this.step(1, true), k: () => this.step(-1), K: () => this.step(-1, true),
      n: () => this.stepPart(1), p: () => this.stepPart(-1), " ": () => this.player.toggle(), "+": () => this.stage.zoomBy(1.4), "=": () => this.stage.zoomBy(1.4), "-": () => this.stage.zoomBy(1 / 1.4), 0: () => this.stage.fit(), Escape: () => this.leave(),
    }[key]?.();
  }

  // What a key does while a stroke is split or drawn; undefined where it means what it always does.
  modeKey(key, shift) {
    const mode = this.mode, by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (key === "Escape") { this.end(); return null; }
    if (mode.name === "split") {
      if (key === "Enter") return this.cutAt(mode.point);
      if (!by) return undefined;
      mode.point = Math.min(mode.n - 2, Math.max(1, mode.point + (by[0] || by[1]) * (shift ? 10 : 1)));
      const { xy } = this.page.strokes[this.head];
      this.stage.cut = [xy[2 * mode.point], xy[2 * mode.point + 1]]; this.stage.draw();
      return null;
    }
    if (key === "Enter") return this.drawnStroke();
    if (key === " ") { mode.keys = true; mode.xy.push([...this.stage.pen]); this.stage.drawn = mode.xy; this.stage.draw(); return null; }
    if (!by) return undefined;
    const far = (shift ? 20 : 4) / this.stage.zoom;
    this.stage.pen = [this.stage.pen[0] + far * by[0], this.stage.pen[1] + far * by[1]]; this.stage.draw();
    return null;
  }
}

function boxOf(xy) {
  const xs = xy.filter((_, k) => k % 2 === 0), ys = xy.filter((_, k) => k % 2 === 1);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// The picture and the ink over it: view, tiles, hits. Coordinates are pixels of the picture; the view maps them to the canvas.
import { addressOf } from "./server.js";

const HUES = 300;
const KEPT_TILES = 220;

export class Stage {
  constructor(box, canvas, changed) {
    this.box = box; this.canvas = canvas; this.changed = changed;
    this.zoom = 1; this.x = 0; this.y = 0; this.page = null; this.tiles = new Map(); this.showsPicture = true;
    this.moment = Infinity; this.colour = "order"; this.chosen = new Set(); this.focus = -1; this.pen = null; this.cut = null; this.drawn = [];
    new ResizeObserver(() => this.resized()).observe(box);
  }

  open(page) {
    if (!page || !this.page || this.page.key !== page.key || this.page.picture !== page.picture) { this.tiles.clear(); this.page = page; this.fit(); } else this.page = page;
    this.draw();
  }

  resized() {
    const ratio = devicePixelRatio || 1, was = this.box.clientWidth && this.canvas.width === 0;
    this.canvas.width = Math.max(1, Math.round(this.box.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.box.clientHeight * ratio));
    if (was || this.fitted) this.fit(); else this.draw();
  }

  fit() {
    if (!this.page) return;
    const { clientWidth: w, clientHeight: h } = this.box;
    this.zoom = Math.max(1e-4, 0.96 * Math.min(w / this.page.width, h / this.page.height));
    this.x = (w / this.zoom - this.page.width) / -2; this.y = (h / this.zoom - this.page.height) / -2;
    this.fitted = true;
    this.draw();
  }

  zoomBy(factor, cx = this.box.clientWidth / 2, cy = this.box.clientHeight / 2) {
    const zoom = Math.min(40, Math.max(0.005, this.zoom * factor));
    this.x += cx / this.zoom - cx / zoom; this.y += cy / this.zoom - cy / zoom;
    this.zoom = zoom; this.fitted = false; this.draw();
  }

  pan(dx, dy) { this.x -= dx / this.zoom; this.y -= dy / this.zoom; this.fitted = false; this.draw(); }
  place(event) {
    const box = this.box.getBoundingClientRect();
    return [this.x + (event.clientX - box.left) / this.zoom, this.y + (event.clientY - box.top) / this.zoom];
  }

  reveal([x0, y0, x1, y1]) {
    const w = this.box.clientWidth / this.zoom, h = this.box.clientHeight / this.zoom;
    if (x0 >= this.x && x1 <= this.x + w && y0 >= this.y && y1 <= this.y + h) return;
    this.x = (x0 + x1 - w) / 2; this.y = (y0 + y1 - h) / 2; this.fitted = false; this.draw();
  }

  draw() { if (!this.asked) { this.asked = true; requestAnimationFrame(() => { this.asked = false; this.paint(); }); } }

  paint() {
    const ratio = devicePixelRatio || 1, g = this.canvas.getContext("2d"), s = this.zoom * ratio;
    g.setTransform(1, 0, 0, 1, 0, 0); g.fillStyle = "#8a8a86"; g.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.page) return;
    g.setTransform(s, 0, 0, s, -this.x * s, -this.y * s);
    g.fillStyle = "#fff"; g.fillRect(0, 0, this.page.width, this.page.height);
    if (this.showsPicture) this.paintTiles(g);
    this.paintInk(g);
  }

  paintTiles(g) {
    const { scale, tile, width, height } = this.page;
    let level = 0;
    const levels = Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / scale / tile)));
    while (level < levels && this.zoom * scale * 2 ** (level + 1) * (devicePixelRatio || 1) <= 1.01) level += 1;
    for (const shown of level < levels ? [levels, level] : [level]) {
      const side = tile * scale * 2 ** shown;
      const x1 = Math.min(width, this.x + this.box.clientWidth / this.zoom), y1 = Math.min(height, this.y + this.box.clientHeight / this.zoom);
      for (let row = Math.max(0, Math.floor(this.y / side)); row * side < y1; row += 1)
        for (let column = Math.max(0, Math.floor(this.x / side)); column * side < x1; column += 1) {
          const image = this.tile(shown, column, row);
          if (image.complete && image.naturalWidth)
            g.drawImage(image, column * side, row * side, image.naturalWidth * scale * 2 ** shown, image.naturalHeight * scale * 2 ** shown);
        }
    }
  }

  tile(level, x, y) {
    const name = `${level}/${x}/${y}`;
    let image = this.tiles.get(name);
    if (!image) {
      image = new Image();
      image.onload = () => this.draw();
      image.src = addressOf("tile", { key: this.page.key, level, x, y });
      this.tiles.set(name, image);
      if (this.tiles.size > KEPT_TILES) this.tiles.delete(this.tiles.keys().next().value);
    }
    return image;
  }

  paintInk(g) {
    const strokes = this.page.strokes || [], thin = 1 / this.zoom;
    const focus = this.page.parts?.[this.focus];
    if (focus) { g.strokeStyle = "#1f5fa8"; g.lineWidth = thin; g.setLineDash([6 * thin, 4 * thin]); const [a, b, c, d] = focus.box; g.strokeRect(a - 3 * thin, b - 3 * thin, c - a + 6 * thin, d - b + 6 * thin); g.setLineDash([]); }
    g.lineCap = "round"; g.lineJoin = "round";
    strokes.forEach((stroke, k) => {
      const end = shownPoints(stroke, this.moment);
      if (!end) return;
      const chosen = this.chosen.has(k), width = Math.max(1.6, Math.min(6, stroke.pen * this.zoom * 0.5)) * thin;
      if (chosen) { g.strokeStyle = "#ffd23c"; g.lineWidth = width + 5 * thin; path(g, stroke.xy, 0, end); g.stroke(); }
      g.lineWidth = width;
      if (stroke.unsure && !chosen) g.setLineDash([5 * thin, 4 * thin]);
      if (this.colour === "time") this.paintByTime(g, stroke, end);
      else { g.strokeStyle = this.hue(stroke, k, strokes.length); path(g, stroke.xy, 0, end); g.stroke(); }
      g.setLineDash([]);
      this.paintEnds(g, stroke, thin, chosen);
    });
    this.paintPen(g, thin);
  }

  hue(stroke, k, n) {
    if (this.colour === "sure") return stroke.hand ? "#1f5fa8" : stroke.sure === null ? "#6b6b6b" : `hsl(${120 * stroke.sure} 85% 32%)`;
    return `hsl(${HUES * (k % 12) / 12} 80% 38%)`;
  }

  paintByTime(g, stroke, end) {
    const n = stroke.xy.length / 2, step = Math.max(1, Math.ceil(n / 24));
    for (let a = 0; a < Math.max(1, end - 1); a += step) {
      g.strokeStyle = `hsl(${240 - 240 * a / Math.max(1, n - 1)} 85% 40%)`;
      path(g, stroke.xy, a, Math.min(end, a + step + 1)); g.stroke();
    }
  }

  paintEnds(g, stroke, thin, chosen) {
    const r = (chosen ? 5 : 3) * thin, [x, y] = stroke.xy;
    g.fillStyle = "#0b6b2e"; g.beginPath(); g.arc(x, y, r, 0, 7); g.fill();
    if (!chosen) return;
    const n = stroke.xy.length / 2;
    for (const share of [0.35, 0.7]) {
      const k = Math.min(n - 2, Math.floor(share * n));
      if (k < 0) continue;
      const ax = stroke.xy[2 * k], ay = stroke.xy[2 * k + 1], turn = Math.atan2(stroke.xy[2 * k + 3] - ay, stroke.xy[2 * k + 2] - ax), big = 9 * thin;
      g.fillStyle = "#111"; g.beginPath(); g.moveTo(ax + big * Math.cos(turn), ay + big * Math.sin(turn));
      g.lineTo(ax + big * Math.cos(turn + 2.5), ay + big * Math.sin(turn + 2.5)); g.lineTo(ax + big * Math.cos(turn - 2.5), ay + big * Math.sin(turn - 2.5)); g.fill();
    }
  }

  paintPen(g, thin) {
    if (this.drawn.length) { g.strokeStyle = "#c2185b"; g.lineWidth = 3 * thin; path(g, this.drawn.flat(), 0, this.drawn.length); g.stroke(); }
    for (const [at, colour] of [[this.pen, "#c2185b"], [this.cut, "#d50000"]]) {
      if (!at) continue;
      g.strokeStyle = colour; g.lineWidth = 2 * thin; g.beginPath(); g.arc(at[0], at[1], 7 * thin, 0, 7);
      g.moveTo(at[0] - 12 * thin, at[1]); g.lineTo(at[0] + 12 * thin, at[1]); g.moveTo(at[0], at[1] - 12 * thin); g.lineTo(at[0], at[1] + 12 * thin); g.stroke();
    }
  }

  hit([x, y]) {
    let best = null, least = 12 / this.zoom;
    (this.page?.strokes || []).forEach((stroke, k) => {
      const near = nearest(stroke.xy, x, y);
      if (near.far < least) { least = near.far; best = { stroke: k, point: near.point }; }
    });
    return best;
  }
}

function shownPoints(stroke, moment) {
  const n = stroke.xy.length / 2;
  if (moment >= stroke.end) return n;
  if (moment < stroke.begin) return 0;
  if (!stroke.t) return Math.max(1, Math.ceil(n * (moment - stroke.begin) / Math.max(1e-9, stroke.end - stroke.begin)));
  let k = 0;
  while (k < n && stroke.begin + stroke.t[k] <= moment) k += 1;
  return k;
}

function path(g, xy, from, to) {
  g.beginPath(); g.moveTo(xy[2 * from], xy[2 * from + 1]);
  for (let k = from + 1; k < to; k += 1) g.lineTo(xy[2 * k], xy[2 * k + 1]);
  if (to - from < 2) g.lineTo(xy[2 * from] + 0.01, xy[2 * from + 1]);
}

export function nearest(xy, x, y) {
  let far = Infinity, point = 0;
  for (let k = 0; k < xy.length / 2; k += 1) {
    const ax = xy[2 * k], ay = xy[2 * k + 1];
    let d = Math.hypot(x - ax, y - ay);
    if (d < far) { far = d; point = k; }
    if (2 * k + 3 < xy.length) {
      const bx = xy[2 * k + 2] - ax, by = xy[2 * k + 3] - ay, length = bx * bx + by * by;
      const share = length ? Math.min(1, Math.max(0, ((x - ax) * bx + (y - ay) * by) / length)) : 0;
      d = Math.hypot(x - ax - share * bx, y - ay - share * by);
      if (d < far) { far = d; point = share > 0.5 ? k + 1 : k; }
    }
  }
  return { far, point };
}

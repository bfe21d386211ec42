// The replay: a moment that runs from the beginning of the writing to its end.
const SPEED_PX_S = 400;

// Give each stroke its place in time; where the method says nothing of time, the pen moves at one speed.
export function timed(strokes) {
  let now = 0;
  for (const stroke of strokes) {
    now += stroke.pause ?? 0.2;
    stroke.begin = now;
    let lasting = stroke.t ? stroke.t[stroke.t.length - 1] : 0;
    if (!stroke.t) for (let k = 2; k < stroke.xy.length; k += 2) lasting += Math.hypot(stroke.xy[k] - stroke.xy[k - 2], stroke.xy[k + 1] - stroke.xy[k - 1]) / SPEED_PX_S;
    now += lasting;
    stroke.end = now;
  }
  return now;
}

export class Player {
  constructor(show) { this.show = show; this.total = 0; this.moment = Infinity; this.speed = 3; this.runs = false; }
  toggle() {
    this.runs = !this.runs && this.total > 0;
    if (!this.runs) return this.show(this);
    if (this.moment >= this.total) this.moment = 0;
    this.last = performance.now();
    requestAnimationFrame((now) => this.step(now));
    return this.show(this);
  }
  step(now) {
    if (!this.runs) return;
    this.moment += this.speed * (now - this.last) / 1000; this.last = now;
    if (this.moment >= this.total) { this.runs = false; this.moment = Infinity; }
    this.show(this);
    if (this.runs) requestAnimationFrame((next) => this.step(next));
  }
  to(share) { this.runs = false; this.moment = share >= 1 ? Infinity : share * this.total; this.show(this); }
  stop() { this.runs = false; this.moment = Infinity; this.show(this); }
}

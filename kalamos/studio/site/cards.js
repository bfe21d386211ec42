// The drawer: a card for each picture, worst first.
import { addressOf } from "./server.js";

const at = (id) => document.getElementById(id);
const percent = (share) => share === null ? "unknown" : `${Math.round(100 * share)} %`;
const STATES = { waiting: "waiting for its ink", failed: "no ink", blank: "no ink found", recovered: "to look at", begun: "begun", saved: "saved as right" };
// what a rule has traced says no confidence: its ink is covered, and nobody knows whether it is right
const unsaid = (item) => item.warnings ? 0 : item.covered ?? 2;
const worth = (item) => item.confidence === null ? unsaid(item) : item.confidence * (item.covered ?? 1);

export function show(items, open) {
  const find = at("find").value.trim().toLocaleLowerCase(), state = at("state").value, order = at("order").value;
  const shown = items.filter((item) => item.name.toLocaleLowerCase().includes(find)
    && (!state || item.state === state || (state === "failed" && item.state === "blank")));
  const rank = { worst: (a, b) => worth(a) - worth(b), best: (a, b) => (worth(b) % 2) - (worth(a) % 2), name: () => 0 }[order];
  shown.sort((a, b) => rank(a, b) || a.name.localeCompare(b.name, undefined, { numeric: true }) || a.page - b.page);
  at("count").textContent = `${shown.length} of ${items.length} pages`;
  at("cards").replaceChildren(...shown.map((item) => card(item, open)));
  return shown;
}

function card(item, open) {
  const entry = document.createElement("li"), button = document.createElement("button"), picture = document.createElement("img");
  const name = document.createElement("b"), said = document.createElement("span");
  picture.loading = "lazy"; picture.alt = ""; picture.src = addressOf("thumb", { key: item.key });
  name.textContent = item.pages > 1 ? `${item.name}, page ${item.page}` : item.name;
  said.className = "note";
  const lines = [STATES[item.state] || item.state];
  if (item.covered !== null && item.state !== "blank") lines.push(`${percent(item.covered)} covered, confidence ${percent(item.confidence)}`);
  if (item.warnings) lines.push(`${item.warnings} ${item.warnings === 1 ? "piece" : "pieces"} not to be trusted`);
  if (item.error) lines.push(item.error.slice(0, 160));
  said.textContent = lines.join(" · ");
  button.type = "button"; button.dataset.key = item.key;
  button.append(picture, name, said);
  button.addEventListener("click", () => open(item.key));
  entry.append(button);
  return entry;
}

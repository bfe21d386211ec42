// The whole page: pictures or one page, the help, what is known of the folder, and the keys.
import { show } from "./cards.js";
import { Editor } from "./editor.js";
import { get, post } from "./server.js";

const at = (id) => document.getElementById(id);
const say = (text) => { at("message").textContent = text; };
let items = [], facts = {}, polls = null;

const editor = new Editor(say, () => { location.hash = ""; }, askFacts);
window.studio = { editor };  // for tests, and for those who look into it by hand

async function load() {
  clearTimeout(polls);
  const said = await get("cards");
  const same = JSON.stringify(said.items) === JSON.stringify(items);
  items = said.items; facts = said.facts;
  at("where").textContent = `${said.folder}: ${items.length} pages${said.now ? `; recovering ${said.now.replace(/#1$/, "")}` : ""}`;
  if (!same || !at("cards").children.length) cards();
  if (!at("drawer").hidden && (said.now || items.some((item) => item.state === "waiting"))) polls = setTimeout(() => load().catch(complain), 2500);
}

function cards() {
  const held = document.activeElement?.dataset?.key;
  show(items, (key) => { location.hash = encodeURIComponent(key); });
  if (held) document.querySelector(`#cards button[data-key="${CSS.escape(held)}"]`)?.focus();
  if (!items.length) at("count").textContent = "There is no picture in this folder: put some in, and load this page again.";
}

const complain = (error) => say(error.message);

async function route() {
  let key = "";
  try { key = decodeURIComponent(location.hash.slice(1)); } catch { /* no address of a picture: all of them */ }
  at("drawer").hidden = Boolean(key); at("editor").hidden = !key;
  say("");
  try {
    if (key) { document.title = `${key.replace(/#1$/, "")} – Kalamos studio`; await editor.open(key); at("list").focus({ preventScroll: true }); } else { document.title = "Kalamos studio"; editor.close(); await load(); }
  } catch (error) { complain(error); }
}

// Ask for writer, script and licence; return whether they are known now.
function askFacts(always) {
  if (!always && facts.writer && facts.script && facts.licence) return Promise.resolve(true);
  const box = at("facts"), form = box.querySelector("form");
  for (const name of ["writer", "script", "licence"]) form.elements[name].value = facts[name] || "";
  box.returnValue = "";
  box.showModal();
  return new Promise((done) => box.addEventListener("close", async () => {
    if (box.returnValue !== "ok") { done(false); return; }
    try {
      facts = await post("facts", Object.fromEntries(["writer", "script", "licence"].map((name) => [name, form.elements[name].value])));
      done(true);
    } catch (error) { complain(error); done(false); }
  }, { once: true }));
}

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const { target } = event, writes = target.matches("input:not([type=checkbox]):not([type=range]), select, textarea");
  const presses = target.matches("button, input, a") && (event.key === " " || event.key === "Enter");
  const slides = target.matches("input[type=range]") && event.key.startsWith("Arrow");
  if (writes && !event.ctrlKey && !event.metaKey) return;
  if (presses || slides) return;
  if (event.key === "?") { at("help").showModal(); event.preventDefault(); return; }
  if (!at("editor").hidden && editor.key_(event)) event.preventDefault();
});
for (const id of ["find", "state", "order"]) at(id).addEventListener("input", cards);
at("show-help").addEventListener("click", () => at("help").showModal());
at("show-facts").addEventListener("click", () => askFacts(true));
addEventListener("hashchange", route);
(async () => {
  try { await load(); } catch (error) { complain(error); }
  if (location.hash.length > 1) await route();
})();

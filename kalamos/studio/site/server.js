// What the page asks the server; a refusal is an error that carries what the server said.
export class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

export const addressOf = (what, query = {}) => `api/${what}?${new URLSearchParams(query)}`;

async function answered(promise) {
  let answer;
  try { answer = await promise; } catch { throw new Refused(0, "The studio does not answer: start it again. All that you did is kept."); }
  let said = {};
  try { said = await answer.json(); } catch { /* said stays empty */ }
  if (!answer.ok) throw new Refused(answer.status, said.error || `the studio answered ${answer.status}`);
  return said;
}

export const get = (what, query) => answered(fetch(addressOf(what, query)));
export const post = (what, body) => answered(fetch(addressOf(what), {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));

// Ask Larder from TypeScript or JavaScript, with fetch alone: `node client.ts http://localhost:5000 54 [KEY]` (Node 22.18 or newer runs it as it is).
// Keep a key on your server: in a script of a web page every visitor has it.

export type Id = number | string;

export interface Item {
  item_id: Id;
  score: number;
  rank: number;
  source?: string;
  metadata?: Record<string, unknown>;
}

export interface List {
  user_id: Id;
  source: string;
  generation: string;
  items: Item[];
  short?: boolean;
}

export class LarderError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 2000; // a list takes milliseconds: after this long, show something else
const TRIES = 3;

/** The user's list, or what is popular for somebody without one. `ids: "text"` keeps ids beyond 2^53 exact. */
export async function recommendations(url: string, userId: Id, k = 10, key = ""): Promise<List> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (key) headers["X-API-Key"] = key;
  const body = JSON.stringify({ user_id: userId, k, include: ["metadata"], fallback: "popular" });
  for (let attempt = 1; ; attempt++) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetch(`${url}/v1/recommendations?ids=text`, { method: "POST", headers, body, signal });
    if (answer.ok) return (await answer.json()) as List;
    // 503: nothing is promoted yet, or Redis is away; Retry-After says when to come again.
    if (answer.status !== 503 || attempt === TRIES) {
      const problem = (await answer.json()) as { error?: string; detail?: string };
      throw new LarderError(answer.status, `${problem.error}: ${problem.detail}`);
    }
    const seconds = Number(answer.headers.get("Retry-After") ?? "1");
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

const [url, user, key] = process.argv.slice(2);
if (url && user) {
  const list = await recommendations(url, user, 10, key);
  console.log(`${list.source}, of generation ${list.generation}`);
  for (const item of list.items) console.log(item.rank, item.item_id, item.metadata?.title ?? "");
}

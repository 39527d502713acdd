/**
 * The outbox on the browser's disk: IndexedDB, one transaction for each change.
 *
 * Two stores: `entries` has what waits or was refused, in the order of `id`; `sent` has the last answers.
 * An entry moves from one to the other in one transaction, so that no answer is lost between the two.
 *
 * @module
 */

import { WindlassError, fromCode } from "../generated/errors.js";
import type { Submission } from "../generated/words.js";
import { type Reason, type Sent, type Stored, isSame } from "./entry.js";

export const DATABASE = "windlass-outbox";
/** Version of the two stores. A newer one is left alone. */
export const SCHEMA = 1;
/** Answers that are remembered, at most; the oldest go. */
export const REMEMBERED = 1000;

const LOCATION = `indexeddb:${DATABASE}`;
const BY_KEY = "line_key";
const BY_STATE = "line_state";

/** What is there under a key. */
export interface Found {
  entry: Stored | undefined;
  sent: Sent | undefined;
}

/** The database; opened on first use, and again when the browser closed it. */
export class Storage {
  #database: Promise<IDBDatabase> | undefined;
  #closed = false;

  /** Whether somebody stored something here before. Makes no database. */
  async exists(): Promise<boolean> {
    const factory = factoryOf();
    if (factory === undefined) return false;
    // Browsers that cannot list their databases have to open one to see.
    if (typeof factory.databases !== "function") return true;
    const all = await factory.databases().catch(() => []);
    return all.some(({ name }) => name === DATABASE);
  }

  /**
   * Stores an entry at the end of its line; the one with its key, when it is there already. On disk when
   * it resolves.
   *
   * @throws IdempotencyConflictError, StoreFullError, StoreUnavailableError, SchemaIncompatibleError
   */
  add(line: string, key: string, request: string): Promise<Found> {
    return this.#change(async (entries, sent) => {
      const found = await find(entries, sent, line, key);
      if (found.entry !== undefined) {
        if (isSame(found.entry.request, request)) return found;
        const fields = { key, task_id: "" };
        throw fromCode("idempotency_conflict", `idempotency key ${key} waits in the outbox for another request`, fields);
      }
      // An answered key goes to the server again, which knows whether it is the same request.
      const entry: Omit<Stored, "id"> = {
        line,
        key,
        state: "waiting",
        request,
        queuedAt: Date.now(),
        attempts: 0,
        reason: null,
      };
      const id = (await told(entries.add(entry))) as number;
      return { entry: { ...entry, id }, sent: found.sent };
    });
  }

  /** All entries of a line, in order. */
  list(line: string): Promise<Stored[]> {
    return this.#read((entries) => told<Stored[]>(entries.index(BY_KEY).getAll(all(line)))).then((found) =>
      found.sort((a, b) => a.id - b.id),
    );
  }

  /** The first entry of a line that waits. */
  first(line: string): Promise<Stored | undefined> {
    // Entries of one line and state lie in the order of their ids.
    return this.#read((entries) => told<Stored | undefined>(entries.index(BY_STATE).get([line, "waiting"])));
  }

  /** What is there under a key. */
  find(line: string, key: string): Promise<Found> {
    return this.#read((entries, sent) => find(entries, sent, line, key));
  }

  /** Records the server's answer and takes the entry out. */
  answered(entry: Stored, submission: Submission): Promise<void> {
    return this.#change(async (entries, sent) => {
      const { line, key } = entry;
      const before = await told<IDBValidKey | undefined>(sent.index(BY_KEY).getKey([line, key]));
      if (before !== undefined) sent.delete(before);
      await told(sent.add({ line, key, submission }));
      if ((await same(entries, entry)) !== undefined) entries.delete(entry.id);
      const surplus = (await told(sent.count())) - REMEMBERED;
      if (surplus > 0) for (const old of await told(sent.getAllKeys(null, surplus))) sent.delete(old);
    });
  }

  /** Records that the server refused the entry, or that an attempt came to nothing. */
  failed(entry: Stored, state: Stored["state"], reason: Reason): Promise<void> {
    return this.#change(async (entries) => {
      const now = await same(entries, entry);
      if (now !== undefined) await told(entries.put({ ...now, state, reason, attempts: now.attempts + 1 }));
    });
  }

  /** Has a refused entry wait again, at its own place. Answers whether there was one. */
  retry(line: string, key: string): Promise<boolean> {
    return this.#change(async (entries, sent) => {
      const { entry } = await find(entries, sent, line, key);
      if (entry?.state !== "refused") return false;
      await told(entries.put({ ...entry, state: "waiting" }));
      return true;
    });
  }

  /** Takes an entry out, unsent. Answers whether there was one. */
  remove(line: string, key: string): Promise<boolean> {
    return this.#change(async (entries, sent) => {
      const { entry } = await find(entries, sent, line, key);
      if (entry === undefined) return false;
      await told(entries.delete(entry.id));
      return true;
    });
  }

  /** Lets the database go. */
  close(): void {
    this.#closed = true;
    this.#forget();
  }

  #change<T>(work: (entries: IDBObjectStore, sent: IDBObjectStore) => Promise<T>): Promise<T> {
    // `strict`: on disk, not only with the operating system, when it is complete.
    return this.#transact("readwrite", { durability: "strict" }, work);
  }

  #read<T>(work: (entries: IDBObjectStore, sent: IDBObjectStore) => Promise<T>): Promise<T> {
    return this.#transact("readonly", {}, work);
  }

  async #transact<T>(
    mode: IDBTransactionMode,
    options: IDBTransactionOptions,
    work: (entries: IDBObjectStore, sent: IDBObjectStore) => Promise<T>,
  ): Promise<T> {
    try {
      const transaction = await this.#begin(mode, options);
      const complete = ended(transaction);
      try {
        const answer = await work(transaction.objectStore("entries"), transaction.objectStore("sent"));
        await complete;
        return answer;
      } catch (thrown) {
        complete.catch(() => {});
        try {
          transaction.abort();
        } catch {
          // Over already.
        }
        // A transaction that ran out of room says so; its requests only say that it ended.
        throw transaction.error ?? thrown;
      }
    } catch (thrown) {
      throw typed(thrown);
    }
  }

  async #begin(mode: IDBTransactionMode, options: IDBTransactionOptions): Promise<IDBTransaction> {
    const stores = ["entries", "sent"];
    try {
      return (await this.#open()).transaction(stores, mode, options);
    } catch (thrown) {
      // Closed by the browser, or by a newer page's upgrade, without a word so far.
      if (!(thrown instanceof DOMException) || thrown.name !== "InvalidStateError" || this.#closed) throw thrown;
      this.#forget();
      return (await this.#open()).transaction(stores, mode, options);
    }
  }

  #open(): Promise<IDBDatabase> {
    if (this.#closed) return Promise.reject(fromCode("client_closed", "the client is closed"));
    if (this.#database === undefined) {
      const opened = open();
      this.#database = opened;
      opened.then(
        (database) => {
          database.onclose = () => this.#forget(opened);
          // Another page wants to upgrade or delete it, and waits for this one.
          database.onversionchange = () => this.#forget(opened);
          if (this.#closed) database.close();
        },
        () => this.#forget(opened),
      );
    }
    return this.#database;
  }

  #forget(which = this.#database): void {
    if (this.#database === which) this.#database = undefined;
    which?.then((database) => database.close(), () => {});
  }
}

async function open(): Promise<IDBDatabase> {
  const factory = factoryOf();
  if (factory === undefined) throw new Error("this page has no IndexedDB: private mode, or storage is blocked");
  const request = factory.open(DATABASE, SCHEMA);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) firstSchema(request.result);
  };
  try {
    return await told(request);
  } catch (thrown) {
    if (!(thrown instanceof DOMException) || thrown.name !== "VersionError") throw thrown;
    const fields = { location: LOCATION, found: await versionThere(factory), supported: SCHEMA };
    throw fromCode("schema_incompatible", "the outbox was written by a newer version of this package", fields, thrown);
  }
}

function firstSchema(database: IDBDatabase): void {
  const entries = database.createObjectStore("entries", { keyPath: "id", autoIncrement: true });
  entries.createIndex(BY_KEY, ["line", "key"], { unique: true });
  entries.createIndex(BY_STATE, ["line", "state"]);
  const sent = database.createObjectStore("sent", { keyPath: "id", autoIncrement: true });
  sent.createIndex(BY_KEY, ["line", "key"], { unique: true });
}

async function versionThere(factory: IDBFactory): Promise<number> {
  const all = await factory.databases().catch(() => []);
  return all.find(({ name }) => name === DATABASE)?.version ?? SCHEMA + 1;
}

async function find(entries: IDBObjectStore, sent: IDBObjectStore, line: string, key: string): Promise<Found> {
  const [entry, answer] = await Promise.all([
    told<Stored | undefined>(entries.index(BY_KEY).get([line, key])),
    told<Sent | undefined>(sent.index(BY_KEY).get([line, key])),
  ]);
  return { entry, sent: answer };
}

/**
 * The entry as it stands, unless it was removed meanwhile. In a database that was cleared its place may
 * be another's.
 */
async function same(entries: IDBObjectStore, { id, line, key }: Stored): Promise<Stored | undefined> {
  const now = await told<Stored | undefined>(entries.get(id));
  return now?.line === line && now.key === key ? now : undefined;
}

/** Every key of a line: arrays come after all text. */
function all(line: string): IDBKeyRange {
  return IDBKeyRange.bound([line], [line, []]);
}

/** Whether pages may store anything here, as far as it can be told before they do. */
export function hasStorage(): boolean {
  return factoryOf() !== undefined;
}

/** The factory; nothing where a page may not have one, as in a frame without an origin. */
function factoryOf(): IDBFactory | undefined {
  try {
    return globalThis.indexedDB ?? undefined;
  } catch {
    return undefined;
  }
}

function told<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** What the browser's storage said, as an error of Windlass. */
function typed(thrown: unknown): unknown {
  if (thrown instanceof WindlassError) return thrown;
  const { name, message } = thrown as Error;
  if (name === "QuotaExceededError") {
    const fields = { location: LOCATION };
    return fromCode("store_full", "the browser gives this page no more room: nothing was stored", fields, thrown);
  }
  const reason = name === "Error" ? message : `${name}: ${message}`;
  return fromCode("store_unavailable", `the outbox cannot be used: ${reason}`, { operation: "outbox", reason }, thrown);
}

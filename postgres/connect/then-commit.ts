/** A statement with bound values, COMMIT, and the beginning of the next transaction in one round trip: the driver itself sends one
 *  statement at a time, and a migration pays for each. After an error the server skips what follows in the same message, so COMMIT runs
 *  only if the statement did, and what comes behind only if COMMIT did (manual, "Extended Query"). */
import type { Connection, Submittable } from 'pg'

export interface Committed {
  /** The fields of the last row that came behind the COMMIT, as PostgreSQL's text. Null when there was none. */
  readonly fields: readonly (string | null)[] | null
  /** Something behind the COMMIT failed: the transaction that it began has to be rolled back. */
  readonly failed: boolean
}

type Value = string | number | null

/** A statement that comes behind the COMMIT. */
export type Next = string | { readonly sql: string; readonly values: readonly Value[] }

export class ThenCommit implements Submittable {
  /** Rejects with what the server refused up to the COMMIT, or with what broke the connection. */
  readonly committed: Promise<Committed>
  readonly #messages: readonly { readonly text: string; readonly values: readonly (string | null)[] }[]
  #resolve: (committed: Committed) => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  readonly #tags: string[] = []
  #fields: readonly (string | null)[] | null = null

  constructor(sql: string, values: readonly Value[], next: readonly Next[]) {
    const statements = [{ sql, values }, 'COMMIT', ...next]
    this.#messages = statements.map((one) => {
      const { sql: text, values: bound } = typeof one === 'string' ? { sql: one, values: [] } : one
      return { text, values: bound.map((value) => (value === null ? null : String(value))) }
    })
    this.committed = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(connection: Connection): void {
    connection.stream.cork()
    for (const { text, values } of this.#messages) {
      connection.parse({ name: '', text, types: [] }, true)
      connection.bind({ values: [...values] }, true)
      connection.execute({}, true)
    }
    connection.sync()
    connection.stream.uncork()
  }

  /** COMMIT of a transaction that has failed answers ROLLBACK and is no error. */
  get #isCommitted(): boolean {
    return this.#tags[1] === 'COMMIT'
  }

  // From here on what the driver calls, by its own names.

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tags.push(text)
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#isCommitted) this.#fields = fields
  }

  handleReadyForQuery(): void {
    if (this.#isCommitted) this.#resolve({ fields: this.#fields, failed: false })
    else this.#reject(new Error(`the transaction ended with ${this.#tags[1] ?? 'nothing'}`))
  }

  handleError(error: Error): void {
    if (this.#isCommitted) this.#resolve({ fields: null, failed: true })
    else this.#reject(error)
  }

  handleRowDescription(): void {}

  handleEmptyQuery(): void {}
}

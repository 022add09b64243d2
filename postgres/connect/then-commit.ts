/** A statement and COMMIT in one round trip, with values bound: the driver itself sends one statement at a time, and a migration pays for
 *  each. After an error the server skips what follows in the same message, so COMMIT runs only if the statement did (manual, "Extended
 *  Query"). */
import type { Connection, Submittable } from 'pg'

/** Without a result: rows of the statement are not asked for. Null is null. */
export class ThenCommit implements Submittable {
  /** Rejects with what the server refused, or with what broke the connection. */
  readonly committed: Promise<void>
  readonly #messages: readonly { readonly text: string; readonly values: readonly (string | null)[] }[]
  #resolve: () => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  #lastTag = ''

  constructor(sql: string, values: readonly (string | number | null)[]) {
    this.#messages = [
      { text: sql, values: values.map((value) => (value === null ? null : String(value))) },
      { text: 'COMMIT', values: [] },
    ]
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

  // From here on what the driver calls, by its own names.

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#lastTag = text
  }

  handleReadyForQuery(): void {
    // COMMIT of a transaction that has failed answers ROLLBACK and is no error.
    if (this.#lastTag === 'COMMIT') this.#resolve()
    else this.#reject(new Error(`the transaction ended with ${this.#lastTag || 'nothing'}`))
  }

  handleError(error: Error): void {
    this.#reject(error)
  }

  handleRowDescription(): void {}

  handleDataRow(): void {}

  handleEmptyQuery(): void {}
}

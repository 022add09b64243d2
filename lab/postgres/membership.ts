/** Which users are members of a role, directly or not, as `pg_hba.conf` means it. One question at a time, each for everybody who came meanwhile: a burst of
 *  logins must not use up the connections that are kept for the administrator. Nothing is remembered: a grant counts at once. */
import type { Client } from 'pg'

interface Waiting {
  readonly user: string
  answer(member: boolean): void
  fail(error: unknown): void
}

const QUESTION = `SELECT rolname::text AS name FROM pg_roles
  WHERE rolname::text = ANY($1::text[]) AND NOT rolsuper AND pg_has_role(oid, to_regrole($2)::oid, 'MEMBER')`

export class Membership {
  #waiting: Waiting[] = []
  #asking = false

  constructor(
    private readonly role: string,
    private readonly asAdministrator: (use: (client: Client) => Promise<void>) => Promise<void>,
  ) {}

  /** @throws Error when nobody can be asked. */
  includes(user: string): Promise<boolean> {
    return new Promise((answer, fail) => {
      this.#waiting.push({ user, answer, fail })
      void this.#askAll()
    })
  }

  async #askAll(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    while (this.#waiting.length > 0) await this.#ask()
    this.#asking = false
  }

  async #ask(): Promise<void> {
    let batch: Waiting[] = []
    const begin = (): Waiting[] => {
      batch = this.#waiting
      this.#waiting = []
      return batch
    }
    try {
      await this.asAdministrator(async (client) => {
        const users = begin().map(({ user }) => user)
        const { rows } = await client.query<{ name: string }>(QUESTION, [users, this.role])
        const members = new Set(rows.map(({ name }) => name))
        for (const { user, answer } of batch) answer(members.has(user))
      })
    } catch (error) {
      // without a connection nobody's question was asked
      if (batch.length === 0) begin()
      for (const { fail } of batch) fail(error)
    }
  }
}

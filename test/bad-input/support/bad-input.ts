/** One case of the catalogue: what somebody gets wrong, and what every door owes them for it. The sentences themselves are in the snapshot;
 *  here stands what is the same for all of them. */
import type { FailureCode } from '../../../contracts/failures'
import type { World } from './world'

export interface BadInput {
  /** What is wrong, in a few words. Unique within its door. */
  readonly title: string
  /** Of the kind of the code. */
  readonly exit: number
  readonly code: FailureCode
  /** The field, flag, variable or file that the sentence has to name. */
  readonly names: string
  /** One sentence for each; default 1. */
  readonly problems?: number
  /** The command had begun and showed how far it came. */
  readonly progress?: true
  /** The command takes no --json, or is too slow to be asked twice. */
  readonly once?: true
  /** The sentence is PostgreSQL's own, behind the place in the file. */
  readonly quoted?: true
  /** What is wrong is in how a program asks: it is answered in JSON. */
  readonly machine?: true
  readonly given: (world: World) => Given | Promise<Given>
}

export interface Given {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** In no output may this ever appear: cases put it where people put passwords. */
export const SECRET = 'hunter2-Tr0ub4dor'

/** Colours the terminal, moves its cursor, turns the reading direction and begins a line of its own. */
export const HOSTILE = 'a\u001b[31m\u202Eb\nx\r\u0007'

/** Several pieces of work at a time, their answers in the order in which they were begun, so that what is told first is the same in every
 *  run. */

export interface InOrder<Piece, Answer> {
  readonly lanes: number
  /** Null: there is no more. Asked by one lane at a time. */
  readonly next: () => Piece | null | Promise<Piece | null>
  readonly work: (piece: Piece) => Promise<Answer>
  readonly hear: (answer: Answer) => void
}

/** Rejects as the first that fails, once all lanes have stopped. At most `4 × lanes` answers wait for an earlier one. */
export async function inOrder<Piece, Answer>({ lanes, next, work, hear }: InOrder<Piece, Answer>): Promise<void> {
  const waiting = new Map<number, Answer>()
  let begun = 0
  let told = 0
  let failed = false
  let asking: Promise<unknown> = Promise.resolve()
  const wake: (() => void)[] = []
  const take = (): Promise<{ number: number; piece: Piece } | null> => {
    const turn = asking.then(async () => {
      if (failed) return null
      const piece = await next()
      return piece === null ? null : { number: begun++, piece }
    })
    asking = turn.catch(() => undefined)
    return turn
  }
  const lane = async (): Promise<void> => {
    try {
      for (let taken = await take(); taken !== null; taken = await take()) {
        waiting.set(taken.number, await work(taken.piece))
        for (let answer = waiting.get(told); waiting.has(told); answer = waiting.get(told)) {
          waiting.delete(told)
          told += 1
          if (answer !== undefined) hear(answer)
        }
        for (const one of wake.splice(0)) one()
        while (!failed && begun - told >= 4 * lanes && waiting.has(taken.number))
          await new Promise<void>((resolve) => wake.push(resolve))
      }
    } catch (error) {
      failed = true
      throw error
    } finally {
      for (const one of wake.splice(0)) one()
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane))
  const first = ended.find((end) => end.status === 'rejected')
  if (first !== undefined) throw first.reason
}

/** The same with pieces that are known: the answers stand where they do. */
export async function answersTo<Piece, Answer>(
  lanes: number,
  pieces: readonly Piece[],
  work: (piece: Piece) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = []
  let at = 0
  await inOrder({ lanes, next: () => pieces[at++] ?? null, work, hear: (answer) => answers.push(answer) })
  return answers
}

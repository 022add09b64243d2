/** An application that keeps writing and remembers every commit it was told of. It survives refusals and lost connections; a commit whose
 *  answer never came is in doubt, and not counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../postgres/connect/session'
import type { Target } from './target'

export interface Writer {
  /** Ids whose commit was acknowledged. */
  readonly acknowledged: readonly number[]
  stop(): Promise<void>
}

export function startWriter(target: Target): Writer {
  const acknowledged: number[] = []
  let stopped = false
  const loop = async () => {
    let session: Session | null = null
    while (!stopped) {
      try {
        session ??= await target.app()
        const [row] = await session.query<{ id: number }>(`INSERT INTO public.items (name) VALUES ('written') RETURNING id`)
        if (row !== undefined) acknowledged.push(row.id)
        await sleep(5)
      } catch {
        await session?.close().catch(() => undefined)
        session = null
        await sleep(50)
      }
    }
    await session?.close()
  }
  const loops = [loop(), loop()]
  return {
    acknowledged,
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}

/** The same work on both sides at once. A side whose other one failed is told to stop, and has stopped before anybody hears of the failure: no
 *  statement of a table is left running while the next one is compared. */
import type { SideName } from './compared'

/** `stopped`: asked between statements; what a stopped side resolves to is not used. Rejects as the first that failed. */
export async function onBothSides<T>(
  work: (side: SideName, stopped: () => boolean) => Promise<T>,
): Promise<{ readonly source: T; readonly target: T }> {
  let failed: { readonly error: unknown } | null = null
  const one = async (side: SideName): Promise<T> => {
    try {
      return await work(side, () => failed !== null)
    } catch (error) {
      failed ??= { error }
      throw error
    }
  }
  const [source, target] = await Promise.allSettled([one('source'), one('target')])
  if (source.status === 'fulfilled' && target.status === 'fulfilled') return { source: source.value, target: target.value }
  throw (failed ?? { error: new Error('one side failed') }).error
}

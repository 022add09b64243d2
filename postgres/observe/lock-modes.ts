/** The eight table lock modes, weakest first (manual, "Explicit Locking"). */
export const LOCK_MODES = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const

export type LockMode = (typeof LOCK_MODES)[number]

/** From pg_locks' spelling: `AccessExclusiveLock`. */
export function lockMode(text: string): LockMode | null {
  const words = text
    .replace(/Lock$/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase()
  return LOCK_MODES.find((mode) => mode === words) ?? null
}

export function strength(mode: LockMode): number {
  return LOCK_MODES.indexOf(mode)
}

/** INSERT, UPDATE and DELETE wait for it. */
export function blocksWrites(mode: LockMode): boolean {
  return strength(mode) >= strength('SHARE')
}

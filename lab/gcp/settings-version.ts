/** Whoever changes an instance may name the version of its settings that he knows, so that two do not overwrite each other. */
import { GcpError } from './errors'
import type { Json } from './protocol/json'
import type { SqlInstance } from './state'

/** @throws GcpError staleData when the caller knows other settings than there are. */
export function checkVersion({ settingsVersion }: SqlInstance, given: Json | undefined): void {
  if (typeof given !== 'string' || given === String(settingsVersion)) return
  throw new GcpError('staleData', 'Condition does not match.', { location: 'If-Match' })
}

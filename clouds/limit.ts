/** Signals that also abort when a time is over. `AbortSignal.any` holds its sources weakly: an `AbortSignal.timeout` that is in it and nowhere
 *  else goes with the next garbage, and its time never comes (https://github.com/nodejs/node/issues/57736). A signal that has a listener stays. */
export function limitedTo(timeoutMs: number, ...others: readonly AbortSignal[]): AbortSignal {
  const late = AbortSignal.timeout(timeoutMs)
  late.addEventListener('abort', () => {})
  return AbortSignal.any([late, ...others])
}

/** For what runs beside others, and has to have ended before anything is taken back. Never rejects. */
export async function settled<T>(act: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([act])
  return result
}

/** What of an error may be logged: its kind, its code and its sentence. Drivers hang DETAIL and WHERE on theirs, which hold row values, and
 *  loggers print every field they find. */
export function readLogError(error: unknown): { type: string; code: string | null; message: string; cause?: object } {
  if (!(error instanceof Error)) return { type: typeof error, code: null, message: 'something that is no error' }
  const { code, type } = error as { code?: unknown; type?: unknown }
  return {
    type: error.name,
    code: typeof type === 'string' ? type : typeof code === 'string' ? code : null,
    message: error.message,
    ...(error.cause instanceof Error ? { cause: readLogError(error.cause) } : {}),
  }
}

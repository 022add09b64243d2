/** What can go wrong between PostgreSQL's binaries and a running server. This room imports nothing of ours, so it has its
 *  own small closed set; whoever needs one of the product's failure codes maps it. */

export type PostgresServerErrorCode =
  | 'BINARIES_MISSING'
  | 'USER_MISSING'
  | 'FOLDER_UNREACHABLE'
  | 'INIT_FAILED'
  | 'START_FAILED'
  | 'STOP_FAILED'

export class PostgresServerError extends Error {
  override readonly name = 'PostgresServerError'

  constructor(
    readonly code: PostgresServerErrorCode,
    message: string,
  ) {
    super(message)
  }
}

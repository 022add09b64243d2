import type { Session } from '../../../postgres/connect/session'

/** Notes which tables of `public`, partitions by their own names, have their rows hashed over the session. */
export function notingSums(session: Session, summed: Set<string>): Session {
  const query = session.query.bind(session)
  session.query = (sql, ...more) => {
    const table = /hash_record_extended.* FROM ONLY "public"\."(\w+)"/s.exec(sql)?.[1]
    if (table !== undefined) summed.add(table)
    return query(sql, ...more)
  }
  return session
}

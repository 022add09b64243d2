/** Large objects are rows of a catalog, and no publication has those. They block: a row that names one would lead nowhere on the standby. */
import { type Check, NOTHING } from '../check'
import { counted } from '../in-words'

export const LARGE_OBJECT_COUNT = 'SELECT count(*) AS count FROM pg_catalog.pg_largeobject_metadata'

export const LARGE_OBJECTS: Check = {
  id: 'large-objects',
  questions: [
    async ({ source }) => {
      const [row] = await source.query<{ count: number }>(LARGE_OBJECT_COUNT)
      const count = row?.count ?? 0
      if (count === 0) return NOTHING
      return {
        findings: [
          {
            severity: 'blocks',
            side: 'source',
            object: null,
            message: `The source has ${counted(count, 'large object')}.`,
            why: 'Nothing publishes them: rows that name one would lead nowhere on the standby.',
            command:
              'SELECT oid, pg_get_userbyid(lomowner) FROM pg_largeobject_metadata; -- as a migration, lo_get(oid) into a column of bytea, then lo_unlink(oid)',
          },
        ],
      }
    },
  ],
}

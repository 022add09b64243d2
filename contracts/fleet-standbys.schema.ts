/** What the fleet file says of a database's standbys, in its source's entry. Only doors load this file. */
import { Type } from 'typebox'
import { FileConnection } from './fleet-connection.schema'
import { closed, duration, text, tlsMode } from './fleet-words.schema'

/** Its encryption is nobody's default: the rows of the whole database go that way, and perhaps through the open network. */
const FilePublisher = Type.Object(
  {
    user: FileConnection.properties.user,
    secret: FileConnection.properties.secret,
    tls: tlsMode('disable, require or verify-full: how the standby comes to its source has no default'),
    host: FileConnection.properties.host,
    port: FileConnection.properties.port,
  },
  { ...closed, description: 'the role as which the standby logs in at its source, with user, secret and tls' },
)

const FileWayBack = Type.Object(FilePublisher.properties, {
  ...closed,
  description: 'the role as which the source logs in at this standby once writing has moved there, with user, secret and tls',
})

const FileCompare = Type.Object(
  { every: duration('7d'), within: Type.Optional(duration('6h')) },
  { ...closed, description: 'how often its rows are compared with its source’s, with every and within' },
)

const FileStandby = Type.Object(
  {
    database: text('the name of another database of this file'),
    publisher: FilePublisher,
    wayBack: Type.Optional(FileWayBack),
    maxRetained: Type.String({
      pattern: '^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB|GB|TB)$',
      description: 'a size with its unit, such as 20GB: how much log the standby may hold back on its source',
    }),
    maxLag: Type.Optional(duration('60s')),
    compare: Type.Optional(FileCompare),
    growTo: Type.Optional(
      Type.String({
        pattern: '^[0-9]+(\\.[0-9]+)?(GB|TB)$',
        description: 'a size with its unit, such as 500GB: how large the standby’s disk may be made',
      }),
    ),
    carryWithin: Type.Optional(duration('20m')),
  },
  { ...closed, description: 'a standby with database, publisher, maxRetained, maxLag, compare, growTo and carryWithin' },
)

export const FileReplicas = Type.Array(text('the name of another database of this file'), {
  minItems: 1,
  maxItems: 10,
  description: 'a list of names of databases of this file, in read replicas of this one’s instance',
})

export const FileStandbys = Type.Array(FileStandby, {
  minItems: 1,
  maxItems: 4,
  description: 'a list of one to four standbys, each with database, publisher, maxRetained and maxLag',
})

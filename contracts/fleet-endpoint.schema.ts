/** What applications connect to, as it is written in the fleet file. Which fields belong to which kind the reader says (client/fleet/endpoint.ts). */
import { Type } from 'typebox'
import { CLOUDS, closed, duration, hostOf, portNumber, roleName, secretRef, text, tlsMode } from './fleet-words.schema'

/** By file name: whoever writes a fleet file runs nothing of a worker but what its operator allows. */
const Argv = (example: string) =>
  Type.Array(text('one line of text'), {
    minItems: 1,
    maxItems: 20,
    description: `a list that begins with the file name of a program in the worker’s CAPSTAN_ENDPOINT_COMMANDS, such as [${example}]`,
  })

const FilePooler = Type.Object(
  {
    host: hostOf('a host name or address without its port'),
    port: portNumber(),
    user: roleName(),
    secret: secretRef(),
    tls: Type.Optional(tlsMode()),
  },
  { ...closed, description: 'a pooler with host, port, user and secret, and tls' },
)

export const FileEndpoint = Type.Object(
  {
    kind: Type.Union(
      [Type.Literal('none'), Type.Literal('command'), Type.Literal('lab-router'), Type.Literal('pgbouncer'), Type.Literal('dns')],
      { description: 'none, command, lab-router, pgbouncer or dns' },
    ),
    move: Type.Optional(Argv('move-endpoint')),
    check: Type.Optional(Argv('where-endpoint')),
    timeout: Type.Optional(duration('60s')),
    name: Type.Optional(text('a name of the lab’s router, such as shop, or of a DNS, such as shop.internal.example')),
    provider: Type.Optional(
      Type.Union([Type.Literal('aws'), Type.Literal('azure'), Type.Literal('gcp')], { description: CLOUDS }),
    ),
    zone: Type.Optional(text('a zone as its provider names it, such as Z0123456789ABCDEFGHIJ')),
    account: Type.Optional(text('the Azure subscription’s id or the Google project’s that holds the zone')),
    resourceGroup: Type.Optional(text('the name of the Azure resource group that holds the zone')),
    ttl: Type.Optional(duration('30s')),
    port: Type.Optional(portNumber()),
    database: Type.Optional(
      text(
        'a database’s name in the poolers: letters, digits, dots, hyphens and underscores, 63 at most',
        '^[A-Za-z0-9_.-]{1,63}$',
      ),
    ),
    poolers: Type.Optional(
      Type.Array(FilePooler, {
        minItems: 1,
        maxItems: 16,
        description:
          'a list of one to sixteen poolers such as { host: 10.0.0.5, port: 6432, user: capstan, secret: env:SHOP_POOLER }',
      }),
    ),
    file: Type.Optional(
      text(
        'a path below the worker’s CAPSTAN_PGBOUNCER_FILES, such as shop.ini',
        '^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$',
      ),
    ),
    write: Type.Optional(Argv('write-target')),
  },
  {
    ...closed,
    description:
      'an endpoint with kind, and for a command move and check, for a lab-router name, for pgbouncer poolers and file or write, for dns provider, zone and name',
  },
)

/** The fleet file's fields: each wrong value with its line and column, its field, what was found and what would be right. */
import { type BadInput, HOSTILE, SECRET } from '../support/bad-input'
import { AZURE_FLEET, FLEET, GCP_FLEET, instead } from '../support/world'

/** `names`: the field, in the form in which the sentence gives it. */
function wrong(title: string, names: string, piece: string, replacement: string, problems = 1): BadInput {
  return {
    title,
    exit: 2,
    code: 'FLEET_FILE_INVALID',
    names,
    problems,
    given: (world) => ({ args: ['fleet', 'check', '--fleet', world.fleet(instead(piece, replacement))] }),
  }
}

type Wrong = readonly [title: string, names: string, piece: string, replacement: string, problems?: number]

/** The same of the fleet file of another cloud. */
function wrongOn(whole: string, [title, names, piece, replacement, problems = 1]: Wrong): BadInput {
  if (!whole.includes(piece)) throw new Error(`the fleet file holds no ${piece}`)
  return {
    title,
    exit: 2,
    code: 'FLEET_FILE_INVALID',
    names,
    problems,
    given: (world) => ({ args: ['fleet', 'check', '--fleet', world.fleet(() => whole.replace(piece, () => replacement))] }),
  }
}

const onAzure = (...one: Wrong): BadInput => wrongOn(AZURE_FLEET, one)
const onGoogle = (...one: Wrong): BadInput => wrongOn(GCP_FLEET, one)
const GUID = '3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f'

const POOLER = '{ host: 10.0.0.5, port: 6432, user: boss, secret: "env:POOLER" }'

/** Behind poolers. */
function pooled(title: string, names: string, poolers: string): BadInput {
  const endpoint = `    endpoint: { kind: pgbouncer, poolers: ${poolers} }\n`
  return wrong(title, field(`endpoint${names === '' ? '' : `.${names}`}`), '    policy:', `${endpoint}    policy:`)
}

/** Led to by a name. */
function named(title: string, names: string, fields: string): BadInput {
  const endpoint = `    endpoint: { kind: dns, ${fields} }\n`
  return wrong(title, field(`endpoint${names === '' ? '' : `.${names}`}`), '    policy:', `${endpoint}    policy:`)
}

/** With prices, and more beside them. */
function priced(title: string, names: string, prices: string, verification = ''): BadInput {
  const more = `prices:\n  ${prices}\n${verification === '' ? '' : `verification: ${verification}\n`}`
  return wrong(title, names, 'version: 1\n', `version: 1\n${more}`)
}

const REGION = 'cloud: aws, region: eu-central-1, billedAtLeast: 10m, billedIn: 1s'
const pricesOf = (region: string, currency = 'EUR') => `currency: ${currency}\n  regions: [{ ${region} }]`
const right = pricesOf(`${REGION}, storage: 0.137, classes: { db.m6g.large: 0.193 }`)
const price = (name: string) => `prices.regions[0].${name}`

const field = (name: string) => `databases[0].${name}`
const second = FLEET.slice(FLEET.indexOf('  - name'))
const yaml = (text: string) => JSON.stringify(text)

const copiedTo = (title: string, names: string, list: string) =>
  wrong(
    `snapshots copied to ${title}`,
    names.startsWith('did') ? names : field(`policy.${names}`),
    'bake: 10s',
    `snapshotCopies: ${list}`,
  )

/** The search for orphans. */
const searched = (title: string, names: string, orphans: string) =>
  wrong(title, names, 'version: 1\n', `version: 1\norphans: ${orphans}\n`)

export const FLEET_VALUES: readonly BadInput[] = [
  searched('orphans that are searched for at no time', 'at or every.', '{}'),
  searched('orphans that are searched for by a word', 'orphans', 'daily'),
  searched('orphans that are searched for every second', 'orphans.every', '{ every: 1s }'),
  searched('orphans that are searched for at an hour that there is not', 'orphans.at', '{ at: "24:00" }'),
  searched('orphans that are searched for by cron', 'orphans.cron', '{ cron: "0 3 * * *" }'),
  searched('orphans that are searched for once a week at an hour', 'orphans.every', '{ at: "03:00", every: 7d }'),
  searched('orphans whose search waits for a lock', 'orphans.waitForLock', '{ every: 6h, waitForLock: 1h }'),
  searched('orphans whose search has a time zone and no time of the day', 'orphans.timeZone', '{ every: 6h, timeZone: UTC }'),
  wrong('a name with capitals', field('name'), 'name: shop', 'name: Shop'),
  wrong('a name with a blank', field('name'), 'name: shop', 'name: my shop'),
  wrong('a name of 64 characters', field('name'), 'name: shop', `name: ${'a'.repeat(64)}`),
  wrong('a name with a Cyrillic letter', field('name'), 'name: shop', 'name: shоp'),
  wrong('a name with a NUL', field('name'), 'name: shop', 'name: "sh\\0op"'),
  wrong('a name that writes to the terminal', field('name'), 'name: shop', `name: ${yaml(HOSTILE)}`),
  wrong('a name that is a number', field('name'), 'name: shop', 'name: 7'),
  wrong('a name left empty', field('name'), 'name: shop', 'name:'),
  wrong('no name', field('name'), '- name: shop\n    cloud', '- cloud'),
  wrong('two databases of one name', 'databases[1].name', second, `${second}${second}`),
  wrong('an unknown cloud', field('cloud'), 'cloud: aws', 'cloud: asw'),
  wrong('no cloud', field('cloud'), '    cloud: aws\n', ''),
  wrong('an entry of AWS that says azure', field('account'), 'cloud: aws', 'cloud: azure', 5),
  onAzure('a subscription by its name', field('account'), GUID, 'Shop Production'),
  onAzure('a subscription in capitals', field('account'), GUID, GUID.toUpperCase()),
  onAzure('a subscription under its own word', 'subscription', 'account:', 'subscription:', 2),
  onAzure('no resource group', field('resourceGroup'), '    resourceGroup: shop-group\n', ''),
  onAzure('a resource group by its path', field('resourceGroup'), 'resourceGroup: shop-group', 'resourceGroup: /subscriptions/x'),
  onAzure(
    'copies among the databases',
    field('copiesResourceGroup'),
    'resourceGroup: shop-group',
    'resourceGroup: shop-group\n    copiesResourceGroup: SHOP-Group',
  ),
  onAzure(
    'a server named as copies are, with a group for those',
    field('instance'),
    'region: westeurope\n    instance: shop-db',
    'copiesResourceGroup: shop-copies\n    region: westeurope\n    instance: cap-shop',
  ),
  onAzure('a region by the name that the portal shows', field('region'), 'region: westeurope', 'region: West Europe'),
  onAzure('a server by its domain', field('instance'), 'instance: shop-db', 'instance: shop-db.postgres.database.azure.com'),
  onAzure('a server of two letters', field('instance'), 'instance: shop-db', 'instance: db'),
  onAzure(
    'security groups on Azure',
    field('canary.securityGroups'),
    'networks: [10.1.2.0/24]',
    'securityGroups: [sg-canary]',
    2,
  ),
  onAzure(
    'a class for a copy, which Azure does not let one choose',
    field('canary.instanceClass'),
    'networks: [10.1.2.0/24]',
    'networks: [10.1.2.0/24], instanceClass: Standard_D2ds_v5',
  ),
  onAzure('a canary that all of Azure may enter', field('canary.networks[0]'), '10.1.2.0/24', '0.0.0.0'),
  onGoogle('a project by its number', field('account'), 'shop-production', '"123456789012"'),
  onGoogle('a zone of Google as the region', field('region'), 'region: europe-west3', 'region: europe-west3-a'),
  onGoogle('an instance by its connection name', field('instance'), 'instance: shop-db', 'instance: "shop:europe-west3:shop-db"'),
  onGoogle('a master of another name than Google gives', field('connections.admin.user'), 'user: postgres', 'user: boss'),
  onGoogle('a resource group on Google Cloud', field('resourceGroup'), '    region:', '    resourceGroup: x\n    region:'),
  onGoogle('a canary that everybody may enter', field('canary.networks[0]'), '10.1.2.0/24', '0.0.0.0/0'),
  onGoogle('a network that is none', field('canary.networks[0]'), '10.1.2.0/24', '10.1.2.300/24'),
  onGoogle('no network', field('canary.networks'), '[10.1.2.0/24]', '[]'),
  wrong('an Aurora cluster that is a word', field('aurora'), '    region:', '    aurora: cluster\n    region:'),
  wrong('an account without quotes', field('account'), 'account: "123456789012"', 'account: 123456789012'),
  wrong('an account with hyphens', field('account'), 'account: "123456789012"', 'account: 1234-5678-9012'),
  wrong('no region', field('region'), '    region: eu-central-1\n', ''),
  wrong('a zone as the region', field('region'), 'region: eu-central-1', 'region: eu-central-1a'),
  wrong('a region that is a place', field('region'), 'region: eu-central-1', 'region: Frankfurt'),
  wrong('an instance with an underscore', field('instance'), 'instance: shop-db', 'instance: shop_db'),
  wrong('an instance with two hyphens in a row', field('instance'), 'instance: shop-db', 'instance: shop--db'),
  wrong('an instance ending with a hyphen', field('instance'), 'instance: shop-db', 'instance: shop-db-'),
  wrong('an instance of 64 characters', field('instance'), 'instance: shop-db', `instance: ${'i'.repeat(64)}`),
  wrong('an instance by its endpoint', field('instance'), 'instance: shop-db', 'instance: shop-db.abc.rds.amazonaws.com'),
  wrong('a database name of 64 bytes', field('database'), 'database: shop\n', `database: ${'d'.repeat(64)}\n`),
  wrong('a database name of 32 letters in 64 bytes', field('database'), 'database: shop\n', `database: ${'ü'.repeat(32)}\n`),
  wrong('a database name with a NUL', field('database'), 'database: shop\n', 'database: "sh\\0op"\n'),
  wrong('a database name that writes to the terminal', field('database'), 'database: shop\n', `database: ${yaml(HOSTILE)}\n`),
  wrong('an environment in capitals', field('environment'), 'environment: production', 'environment: PROD'),
  wrong(
    'a label that is a number',
    field('labels.tier'),
    'environment: production',
    'environment: production\n    labels: { tier: 1 }',
  ),
  wrong(
    'no connections',
    field('connections'),
    FLEET.slice(FLEET.indexOf('    connections:'), FLEET.indexOf('    migrations:')),
    '',
  ),
  wrong('no connection of the migrator', field('connections.migrator'), '      migrator: {', '#     migrator: {'),
  wrong('a connection without its secret', 'secret', 'user: boss, secret: "env:SHOP_ADMIN"', 'user: boss'),
  wrong('a secret by value', 'reference', 'secret: "env:SHOP_ADMIN"', `secret: "${SECRET}"`),
  wrong('a secret by value with a colon', 'reference', 'secret: "env:SHOP_ADMIN"', `secret: "env:${SECRET}:x"`),
  wrong('a secret by value that is a number', 'reference', 'secret: "env:SHOP_ADMIN"', 'secret: 8472910365'),
  wrong('a password beside the reference', 'password', 'user: boss,', `user: boss, password: "${SECRET}",`),
  wrong(
    'a URL in the place of the user',
    field('connections.admin.user'),
    'user: boss',
    `user: "postgres://boss:${SECRET}@db/shop"`,
  ),
  wrong(
    'a URL in the place of a connection',
    field('connections.migrator'),
    'migrator: { user: migrator, secret: "env:SHOP_MIGRATOR" }',
    `migrator: "postgres://m:${SECRET}@db/shop"`,
  ),
  wrong('a secret with an unknown scheme', 'reference', 'secret: "env:SHOP_ADMIN"', 'secret: "vault:shop/admin"'),
  wrong('a secret in a file by a relative path', 'reference', 'secret: "env:SHOP_ADMIN"', 'secret: "file:shop.txt"'),
  wrong('a user of 64 bytes', field('connections.admin.user'), 'user: boss', `user: ${'u'.repeat(64)}`),
  wrong('a port of 0', field('connections.admin.port'), 'port: 5432', 'port: 0'),
  wrong('a port above 65535', field('connections.admin.port'), 'port: 5432', 'port: 70000'),
  wrong('a port as text', field('connections.admin.port'), 'port: 5432', 'port: "5432"'),
  wrong('a port with a fraction', field('connections.admin.port'), 'port: 5432', 'port: 54.32'),
  wrong('an unknown way of TLS', field('connections.admin.tls'), 'tls: require', 'tls: prefer'),
  wrong('TLS as yes or no', field('connections.admin.tls'), 'tls: require', 'tls: true'),
  wrong('a host with its port', field('connections.admin.host'), 'port: 5432', 'host: "db.internal:5432"'),
  wrong('a host with its scheme', field('connections.admin.host'), 'port: 5432', 'host: "postgres://db.internal"'),
  wrong('an unknown field of the policy', 'did you mean bake?', 'bake: 10s', 'bakes: 10s'),
  wrong('a time without its unit', field('policy.bake'), 'bake: 10s', 'bake: 10'),
  wrong('a time with another unit', field('policy.bake'), 'bake: 10s', 'bake: 10 minutes'),
  wrong('a time below zero', field('policy.bake'), 'bake: 10s', 'bake: -10s'),
  wrong('a time of broken seconds', field('policy.bake'), 'bake: 10s', 'bake: 1500ms'),
  wrong('a time of years', field('policy.bake'), 'bake: 10s', 'bake: 9999d'),
  wrong('a size in another unit', field('policy.limits.wal'), 'wal: 1GB', 'wal: 1GiB'),
  wrong('a size beyond all disks', field('policy.limits.wal'), 'wal: 1GB', 'wal: 999999999999TB'),
  wrong('a limit of nothing', field('policy.limits.writeBlock'), 'writeBlock: 500ms', 'writeBlock: ""'),
  copiedTo('a region by its town', 'snapshotCopies[0].region', '[{ region: Ireland }]'),
  copiedTo('a region that is no group of fields', 'snapshotCopies[0]', '[eu-west-1]'),
  copiedTo('no region', 'snapshotCopies', '[]'),
  copiedTo('the database’s own region', 'snapshotCopies[0].region', '[{ region: eu-central-1 }]'),
  copiedTo('a region twice', 'snapshotCopies[1].region', '[{ region: eu-west-1 }, { region: eu-west-1 }]'),
  wrongOn(FLEET.replace('region: eu-central-1', 'region: cn-north-1'), [
    ...(['copies of snapshots in China', field('policy.snapshotCopies'), 'bake: 10s'] as const),
    'snapshotCopies: [{ region: cn-northwest-1 }]',
  ]),
  copiedTo('a region of China', 'snapshotCopies[0].region', '[{ region: cn-north-1 }]'),
  copiedTo('a region of another partition', 'snapshotCopies[0].region', '[{ region: us-gov-west-1 }]'),
  copiedTo('a key by its name', 'snapshotCopies[0].kmsKey', '[{ region: eu-west-1, kmsKey: backups }]'),
  copiedTo(
    'a key of the database’s own region',
    'snapshotCopies[0].kmsKey',
    `[{ region: eu-west-1, kmsKey: "arn:aws:kms:eu-central-1:123456789012:key/${GUID}" }]`,
  ),
  copiedTo('a key under another word', 'did you mean kmsKey?', '[{ region: eu-west-1, kmskey: alias/backups }]'),
  copiedTo(
    'a region with a canary without security groups',
    'snapshotCopies[0].canary.securityGroups',
    '[{ region: eu-west-1, canary: { instanceClass: db.m6g.large } }]',
  ),
  copiedTo(
    'a region with a canary that lets nobody in',
    'snapshotCopies[0].canary.securityGroups',
    '[{ region: eu-west-1, canary: { securityGroups: [] } }]',
  ),
  copiedTo(
    'a region with a subnet group by its ARN',
    'snapshotCopies[0].canary.subnetGroup',
    '[{ region: eu-west-1, canary: { securityGroups: [sg-1], subnetGroup: "arn:aws:rds:eu-west-1:123456789012:subgrp:vault" } }]',
  ),
  copiedTo(
    'a region with a canary under another word',
    'did you mean subnetGroup?',
    '[{ region: eu-west-1, canary: { securityGroups: [sg-1], subnetgroup: vault } }]',
  ),
  wrongOn(FLEET.replace('instance: shop-db', 'instance: shop-db\n    aurora: true'), [
    ...(['a cluster’s copies of no class', field('policy.snapshotCopies[0].canary.instanceClass'), 'bake: 10s'] as const),
    'snapshotCopies: [{ region: eu-west-1, canary: { securityGroups: [sg-1] } }]',
  ]),
  onAzure(
    'copies of snapshots on Azure',
    field('policy.snapshotCopies'),
    'bake: 10s',
    'snapshotCopies: [{ region: northeurope }]',
  ),
  onGoogle('copies of snapshots on Google Cloud', field('policy.snapshotCopies'), 'bake: 10s', 'snapshotCopies: [europe-west1]'),
  wrong('approval as yes or no', field('policy.approval'), 'bake: 10s', 'approval: yes'),
  wrong(
    'a table without its schema',
    field('checks.rowCounts[0]'),
    '    policy:',
    '    checks: { rowCounts: [orders] }\n    policy:',
  ),
  wrong(
    'a table of 64 bytes',
    field('checks.rowCounts[0]'),
    '    policy:',
    `    checks: { rowCounts: [public.${'t'.repeat(64)}] }\n    policy:`,
  ),
  wrong(
    'a check without SQL',
    field('checks.smoke[0].sql'),
    '    policy:',
    '    checks: { smoke: [{ id: a, title: A }] }\n    policy:',
  ),
  pooled('a pooler with its password', 'poolers[0].secret', `[${POOLER.replace('env:POOLER', SECRET)}], file: shop.ini`),
  pooled('a pooler without its host', 'poolers[0].host', `[${POOLER.replace('host: 10.0.0.5, ', '')}], file: shop.ini`),
  pooled('a file of poolers that leads out', 'file', `[${POOLER}], file: ../shop.ini`),
  pooled('poolers without their file', '', `[${POOLER}]`),
  named('a name without its zone', '', 'provider: aws, name: shop.internal.example'),
  named('a hosted zone by its domain', 'zone', 'provider: aws, zone: internal.example, name: shop.internal.example'),
  named('a name in another script', 'name', 'provider: aws, zone: Z0123456789ABC, name: läden.internal.example'),
  named('a name that clients would believe for an hour', 'ttl', 'provider: aws, zone: Z1, name: shop.internal.example, ttl: 1h'),
  named(
    'a zone of Azure without its subscription',
    '',
    'provider: azure, resourceGroup: n, zone: a.example, name: shop.a.example',
  ),
  wrong('a canary without security groups', field('canary.securityGroups'), 'securityGroups: [sg-canary]', 'securityGroups: []'),
  wrong('a security group that is none', field('canary.securityGroups[0]'), 'sg-canary', '10.0.0.0/8'),
  wrong('a migrations folder with a NUL', field('migrations'), 'migrations: migrations', 'migrations: "a\\0b"'),
  wrong('a field that writes to the terminal', '\\u{1b}', '    policy:', `    ${yaml(HOSTILE)}: 1\n    policy:`),
  priced('a currency by its sign', 'prices.currency', right.replace('EUR', '€')),
  priced('a currency in small letters', 'prices.currency', right.replace('EUR', 'eur')),
  priced('prices of no region', 'prices.regions', 'currency: EUR\n  regions: []'),
  priced('prices of no class', price('classes'), right.replace('{ db.m6g.large: 0.193 }', '{}')),
  priced('a price below zero', price('classes.db.m6g.large'), right.replace('0.193', '-0.193')),
  priced('a price of nothing', price('classes.db.m6g.large'), right.replace('0.193', '0')),
  priced('a price that is no number', price('classes.db.m6g.large'), right.replace('0.193', '.nan')),
  priced('a price without end', price('classes.db.m6g.large'), right.replace('0.193', '.inf')),
  priced('a price in words', price('classes.db.m6g.large'), right.replace('0.193', '0.193 EUR')),
  priced('a price with a comma', price('classes.db.m6g.large'), right.replace('0.193', '"0,193"')),
  priced('a price of seven decimals', price('classes.db.m6g.large'), right.replace('0.193', '0.1930001')),
  priced('a price beyond all clouds', price('classes.db.m6g.large'), right.replace('0.193', '1e9')),
  priced('no price of storage', price('storage'), right.replace('storage: 0.137, ', '')),
  priced('a shortest time of half a second', price('billedAtLeast'), right.replace('10m', '500ms')),
  priced('a region twice', 'prices.regions[1].region', right.replace(/\[(.*)\]/, '[$1, $1]')),
  wrong(
    'money of a night without prices',
    'verification.moneyPerNight',
    'version: 1\n',
    'version: 1\nverification: { moneyPerNight: 20 }\n',
  ),
  priced('money of a night below zero', 'verification.moneyPerNight', right, '{ moneyPerNight: -1 }'),
  priced('no money for a night', 'verification.moneyPerNight', right, '{ moneyPerNight: 0 }'),
  priced('a night of a week', 'verification.night', right, '{ moneyPerNight: 20, night: 7d }'),
  priced('a night without its money', 'verification.night', right, '{ night: 12h }'),
  wrong(
    'a cap where nothing has a price',
    field('verification.maxCost'),
    '    policy:',
    '    verification: { maxCost: 2.50 }\n    policy:',
  ),
  wrong('a cap below zero', field('verification.maxCost'), '    policy:', '    verification: { maxCost: -2.50 }\n    policy:'),
  wrong(
    'a volume of a part of a GiB',
    field('verification.volumeGib'),
    '    policy:',
    '    verification: { volumeGib: 0.5 }\n    policy:',
  ),
  wrong(
    'several at once, in the order of the file',
    'region',
    'account: "123456789012"\n    region: eu-central-1',
    'account: x\n    region: y',
    2,
  ),
]

/** The rooms' laws (docs/ARCHITECTURE.md): direct edges only, each with its reason. */
const rooms = [
  'contracts',
  'workflows',
  'activities',
  'clouds',
  'postgres',
  'pgserver',
  'ledger',
  'workers',
  'embedded',
  'client',
  'lab',
  'examples',
]

/** A room may import itself and the named rooms of ours; nothing else of ours. */
function only(room, allowed, comment) {
  const forbidden = rooms.filter((other) => other !== room && !allowed.includes(other))
  return {
    name: `${room}-imports`,
    comment,
    severity: 'error',
    from: { path: `^${room}/` },
    to: { path: `^(${forbidden.join('|')})/` },
  }
}

module.exports = {
  forbidden: [
    only('contracts', [], 'Every room shares these words, so they depend on nobody.'),
    only(
      'workflows',
      ['contracts', 'activities'],
      'Workflow code is replayed in a sandbox: it sees contracts, and of activities only their types.',
    ),
    only(
      'activities',
      ['contracts', 'postgres', 'clouds', 'ledger'],
      'Activities act on things; they know neither workflows nor who composes them.',
    ),
    only('clouds', ['contracts'], 'An adapter knows its vendor and nothing of ours.'),
    only('postgres', ['contracts'], 'What PostgreSQL needs works with only a URL: no Temporal, no cloud.'),
    only('pgserver', [], 'The lab, the ledger and tests share it, so it depends on none of them.'),
    only('ledger', ['contracts', 'postgres'], "The ledger's own migrations run on our engine."),
    only(
      'workers',
      ['contracts', 'activities', 'clouds', 'postgres', 'ledger', 'workflows'],
      'The composition root of the workers; doors and the lab are other processes.',
    ),
    only('embedded', ['contracts', 'pgserver'], 'It starts the rest as processes.'),
    only('client', ['contracts', 'ledger', 'postgres', 'workflows', 'clouds'], 'Doors ask; they do not act.'),
    {
      name: 'client-asks-clouds-by-discovery-alone',
      comment:
        'Discovery lists and changes nothing (docs/decisions/0007-discovery-asks-the-cloud.md); an adapter could act past every lock.',
      severity: 'error',
      from: { path: '^client/' },
      to: { path: '^clouds/', pathNot: '^clouds/discovery/' },
    },
    {
      name: 'client-discovers-in-one-place',
      comment: 'One folder of the doors asks clouds; the rest asks the ledger and Temporal.',
      severity: 'error',
      from: { path: '^client/', pathNot: '^client/fleet/discover/' },
      to: { path: '^clouds/' },
    },
    {
      name: 'discovery-sees-questions-only',
      comment: 'Of the adapters it needs how to reach and read a cloud, nothing that starts something.',
      severity: 'error',
      from: { path: '^clouds/discovery/' },
      to: { path: '^clouds/(aws|azure|gcp)/', pathNot: '/(client|describe|listing)\\.ts$' },
    },
    only('lab', ['pgserver'], 'An emulator that shares code with its adapter shares its misreading.'),
    only('examples', [], 'Examples are programs of their own.'),
    {
      name: 'contracts-are-inert',
      comment: 'Only schemas may use a library; contracts are also bundled for workflows.',
      severity: 'error',
      from: { path: '^contracts/', pathNot: '\\.schema\\.ts$' },
      to: { dependencyTypes: ['npm', 'core'] },
    },
    {
      name: 'workflows-see-activity-types-only',
      comment: 'An implementation would pull Node into the sandbox.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^activities/', pathNot: '/contract\\.ts$' },
    },
    {
      name: 'workflows-import-types-of-activities',
      comment: 'Even a contract is imported as a type.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-without-schemas',
      comment: 'A schema by value would put hundreds of modules into the bundle.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '\\.schema\\.ts$' },
    },
    {
      name: 'workflows-without-node',
      comment: 'Nothing of Node is deterministic.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'activity-contracts-are-inert',
      comment: 'A type import of an activity that imports a driver would bring Node types back into workflows.',
      severity: 'error',
      from: { path: '^activities/.*/contract\\.ts$' },
      to: { pathNot: '^contracts/' },
    },
    {
      name: 'postgres-without-temporal-and-clouds',
      comment: 'See postgres-imports.',
      severity: 'error',
      from: { path: '^(postgres|clouds|contracts|ledger|pgserver)/' },
      to: { path: 'node_modules/@temporalio/' },
    },
    {
      name: 'client-sees-workflow-types-only',
      comment: 'A door that imported a workflow by value would run it outside its sandbox.',
      severity: 'error',
      from: { path: '^client/' },
      to: { path: '^workflows/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-test-code-in-the-product',
      comment: 'Tests mirror the rooms; rooms do not know them.',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circles',
      comment: 'A circle has no room to start reading in.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
}

import { openGcp, type GcpLab, newInstance, PASSWORD, PROJECT, refused } from './fixture'

let gcp: GcpLab
beforeAll(async () => {
  gcp = await openGcp()
})
afterAll(() => gcp.lab.remove())

test('an instance is made through the SDK: PENDING_CREATE without an address, then a real database behind one', async () => {
  const body = newInstance(gcp.lab, 'orders', { settings: { userLabels: { 'capstan-operation': 'op-1' } } })
  const [operation] = await gcp.sdk.instances.insert({ project: PROJECT, body })
  expect(operation).toMatchObject({
    kind: 'sql#operation',
    operationType: 'CREATE',
    status: 'PENDING',
    targetId: 'orders',
    targetProject: PROJECT,
  })
  expect(await gcp.get('orders')).toMatchObject({ state: 'PENDING_CREATE', ipAddresses: [] })
  expect(await gcp.done(operation)).toMatchObject({ status: 'DONE', error: null })
  const instance = await gcp.get('orders')
  expect(instance).toMatchObject({
    state: 'RUNNABLE',
    databaseVersion: 'POSTGRES_15',
    connectionName: `${PROJECT}:us-central1:orders`,
    ipAddresses: [{ type: 'PRIMARY', ipAddress: `${gcp.lab.block}.10` }],
    settings: {
      tier: 'db-f1-micro',
      settingsVersion: { value: '1' },
      userLabels: { 'capstan-operation': 'op-1' },
      dataDiskSizeGb: { value: '10' },
      storageAutoResize: { value: true },
      deletionProtectionEnabled: { value: false },
    },
  })
  expect(await gcp.ask(instance, "SELECT current_setting('server_version') AS v")).toEqual([{ v: '15.18' }])
})

/** Whatever RDS refuses has its code: the closed table decides what happens next. */
import { execFile } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { RDSServiceException } from '@aws-sdk/client-rds'
import { rdsFailure } from '../../clouds/aws/failures'
import { options, owned, refusal } from '../conformance/support'
import { rdsLab } from './rds-lab'

const it = rdsLab()

describe('every refusal has its code', () => {
  test.each([
    ['AccessDenied', 'CREDENTIALS_REJECTED'],
    ['ExpiredToken', 'CLOUD_UNREACHABLE'],
    ['InsufficientDBInstanceCapacity', 'CLOUD_BUSY'],
    ['InternalFailure', 'CLOUD_UNREACHABLE'],
    ['InvalidClientTokenId', 'CREDENTIALS_REJECTED'],
    ['InvalidDBInstanceState', 'CLOUD_BUSY'],
    ['InvalidDBSnapshotState', 'CLOUD_BUSY'],
    ['InvalidParameterCombination', 'CLOUD_REFUSED'],
    ['InvalidParameterValue', 'CLOUD_REFUSED'],
    ['RequestLimitExceeded', 'CLOUD_THROTTLED'],
    ['ServiceUnavailable', 'CLOUD_UNREACHABLE'],
    ['SignatureDoesNotMatch', 'CREDENTIALS_REJECTED'],
    ['SnapshotQuotaExceeded', 'CLOUD_REFUSED'],
    ['Throttling', 'CLOUD_THROTTLED'],
    // Nobody foresaw these for this call: a defect, not something to be tried for ever.
    ['InvalidAction', 'CLOUD_UNEXPECTED'],
    ['MalformedQueryString', 'CLOUD_UNEXPECTED'],
    ['MissingParameter', 'CLOUD_UNEXPECTED'],
  ] as const)('%s → %s, naming the call', async (code, expected) => {
    await it.fault({ kind: 'fail', operation: 'CreateDBSnapshot', code, message: 'as ordered', times: 3 })
    const { name, owner } = owned(`refused-${code.toLowerCase()}`.slice(0, 32), 'take')
    const asked = it.cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options)
    await expect(asked).rejects.toEqual(refusal(expected, 'CreateDBSnapshot'))
    expect(await it.effects('CreateDBSnapshot', name)).toBe(0)
  })

  test.each([
    ['InstanceQuotaExceeded', 'CLOUD_REFUSED'],
    ['StorageQuotaExceeded', 'CLOUD_REFUSED'],
  ] as const)('a restore: %s → %s', async (code, expected) => {
    const snapshot = await it.snapshotBy(`quota-${code.toLowerCase().slice(0, 7)}`)
    await it.fault({ kind: 'fail', operation: 'RestoreDBInstanceFromDBSnapshot', code, times: 3 })
    const { name: instance, owner } = owned('no-quota', 'canary')
    const request = { source: 'shop', snapshot, instance, networkRules: [it.lab.group], instanceClass: null, owner }
    await expect(it.cloud.startInertRestore(request, options)).rejects.toEqual(refusal(expected))
    expect(await it.cloud.removeOwnedInstances({ operation: 'no-quota' }, options)).toMatchObject({ done: true })
  })

  test('wrong keys, and the right ones are not told', async () => {
    const { accessKeyId, secretAccessKey } = it.lab.lab.credentials.aws
    for (const credentials of [
      { accessKeyId, secretAccessKey: 'wrong' },
      { accessKeyId: 'AKIAUNKNOWN', secretAccessKey },
    ]) {
      const asked = it.adapter({ credentials }).describeInstance({ name: 'shop' }, options)
      const error = await asked.then(
        () => null,
        (caught: unknown) => caught,
      )
      expect(error).toEqual(refusal('CREDENTIALS_REJECTED'))
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error ?? {}))).not.toContain(secretAccessKey)
    }
  })

  test.each([
    ['KMSKeyNotAccessibleFault', 400, 'CLOUD_REFUSED'],
    ['NotAuthorized', 400, 'CREDENTIALS_REJECTED'],
    ['RequestExpired', 400, 'CREDENTIALS_REJECTED'],
    ['TooManyOfSomething', 429, 'CLOUD_THROTTLED'],
    ['SomethingBroke', 502, 'CLOUD_UNREACHABLE'],
    ['DBClusterQuotaExceededFault', 403, 'CLOUD_REFUSED'],
    ['GlobalClusterQuotaExceededFault', 400, 'CLOUD_UNEXPECTED'],
  ] as const)('one that the lab does not know: %s with HTTP status %d → %s', (name, httpStatusCode, expected) => {
    const error = new RDSServiceException({ name, message: 'as it says', $fault: 'client', $metadata: { httpStatusCode } })
    expect(rdsFailure('CreateDBSnapshot', error, options.signal)).toEqual(refusal(expected, 'CreateDBSnapshot'))
  })

  test('a worker without credentials is told so, in the SDK’s words as well: a session may have ended', () => {
    const error = Object.assign(new Error('The SSO session has expired'), { name: 'CredentialsProviderError' })
    expect(rdsFailure('CreateDBSnapshot', error, options.signal)).toMatchObject({
      code: 'CLOUD_UNREACHABLE',
      facts: { credentials: 'none' },
      message: expect.stringMatching(/^No credentials for AWS were found.*The SSO session has expired/),
    })
  })

  test('nobody answers, or nobody listens', async () => {
    const held = new Set<Socket>()
    const silent = createServer((socket) => held.add(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const impatient = { requestTimeout: 200, throwOnRequestTimeout: true }
    const unanswered = it.adapter({ endpoint, requestHandler: impatient }).describeInstance({ name: 'shop' }, options)
    await expect(unanswered).rejects.toEqual(refusal('CLOUD_UNREACHABLE', 'did not answer DescribeDBInstances'))
    for (const socket of held) socket.destroy()
    await new Promise((resolve) => silent.close(resolve))
    expect(await codeInAProcess(endpoint)).toBe('CLOUD_UNREACHABLE')
  })
})

/** Errors of sockets are of another realm in here, so the compiled adapter is asked in a process of its own. */
async function codeInAProcess(endpoint: string): Promise<string> {
  const program = `
    const { createRds } = require(${JSON.stringify(join(__dirname, '../../dist/clouds/aws/rds.js'))})
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    createRds({ region: 'us-east-1', endpoint: ${JSON.stringify(endpoint)}, credentials, maxAttempts: 1 })
      .describeInstance({ name: 'shop' }, { signal: new AbortController().signal })
      .catch((error) => process.stdout.write(error.code))`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program])
  return stdout
}

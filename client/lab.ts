/** The lab's own API, as the command line uses it. */
import { failure } from '../contracts/failures'
import type { LabDoor } from './config'

const ANSWER_TIMEOUT_MS = 30_000

export interface LabRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/_lab/`. */
  readonly path: string
  readonly body?: object
}

/** The JSON answer. Fails with LAB_UNREACHABLE, OPTION_INVALID for what the lab finds wrong with the request, or LAB_REFUSED. */
export async function askLab({ api: labApi, token }: LabDoor, request: LabRequest): Promise<unknown> {
  let response: Response
  let text: string
  try {
    response = await fetch(new URL(`/_lab/${request.path}`, labApi), {
      method: request.method,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    })
    text = await response.text()
  } catch (error) {
    const message = `No lab answers at ${labApi}; start the embedded default with "npm start", or name a lab with --lab URL.`
    throw failure('LAB_UNREACHABLE', message, { labApi }, { cause: error })
  }
  if (response.status === 401) {
    const message = `The lab at ${labApi} wants its token: set CAPSTAN_LAB_TOKEN to the labToken of its credentials.json.`
    throw failure('LAB_REFUSED', message, { labApi, status: response.status })
  }
  const answer = parseJson(text)
  if (response.ok && answer !== undefined) return answer
  const said =
    typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : `HTTP ${response.status}`
  if (response.status === 422) throw failure('OPTION_INVALID', `The lab refuses: ${said}`, { labApi, status: response.status })
  throw failure('LAB_REFUSED', `The lab refuses: ${said}`, { labApi, status: response.status })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

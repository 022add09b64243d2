/** What a request changes of what there is. A patch adds to messages and maps, field by field, and replaces lists as a whole; a null
 *  takes its field or key away. So an empty map, which the Node client sends with every patch, changes nothing. Source:
 *  "Instances: patch" ("patch semantics"); gcloud takes labels away by nulls. */
import { MESSAGES } from './generated/model'
import type { Json, Message } from './protocol/json'

/** @returns a new message; neither argument is changed. */
export function merged(type: string, before: Message, patch: Message): Message {
  const types = MESSAGES[type] ?? {}
  const result: Record<string, Json | undefined> = { ...before }
  for (const [name, value] of Object.entries(patch)) {
    const fieldType = types[name] ?? ''
    if (value === undefined) continue
    if (value === null) delete result[name]
    else if (MESSAGES[fieldType]) result[name] = merged(fieldType, messageOf(before[name]), value as Message) as Json
    else if (fieldType.startsWith('map ')) result[name] = mergedMap(messageOf(before[name]), value as Message) as Json
    else result[name] = value
  }
  return result
}

function mergedMap(before: Message, patch: Message): Message {
  const after = new Map(Object.entries(before))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) after.delete(key)
    else after.set(key, value)
  }
  return Object.fromEntries(after)
}

/** The message that a field holds, or an empty one. */
export function messageOf(value: Json | undefined): Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : {}
}

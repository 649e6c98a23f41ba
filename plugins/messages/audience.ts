/** For whom a message is, as one word that indexes and inboxes go by. */

/** `*` everybody · `k:<key>` an agent or identity · `r:<role>` · `t:<topic>` whoever follows it */
export type Audience = string

export const everybody: Audience = '*'
/** In what a reader wants: all topics. */
export const everyTopic: Audience = 't:'

export const agentAudience = (key: string): Audience => `k:${key}`
export const roleAudience = (role: string): Audience => `r:${role}`
export const topicAudience = (topic: string): Audience => `t:${topic}`

export function audienceOf({ to, role, topic }: { to?: string; role?: string; topic?: string }): Audience {
  if (to !== undefined) return agentAudience(to)
  if (role !== undefined) return roleAudience(role)
  return topic ? topicAudience(topic) : everybody
}

/** Whether a reader that wants these gets what is for `audience`. */
export function wants(wanted: ReadonlySet<Audience>, audience: Audience): boolean {
  return wanted.has(audience) || (wanted.has(everyTopic) && audience.startsWith(everyTopic))
}

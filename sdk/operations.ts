// Generated from the declarations of operations by `npm run generate -w sdk`; not to be edited.

export type Operations = {
  /** Make a token, limited to an agent, pacts, operations and a lifetime; it is shown once */
  'access.issue': { input: { agent?: string; pacts?: string[]; operations?: string[]; access?: "read" | "write" | "admin"; lifetime?: number }; output: { token: string; info: { id: string; agent: string; pacts: string[] | null; operations: string[] | null; access: "read" | "write" | "admin"; expires: string | null; created: string; main: boolean } } }
  /** List the tokens of this machine, never the secrets themselves */
  'access.list': { input: Record<string, never>; output: { entries: { id: string; agent: string; pacts: string[] | null; operations: string[] | null; access: "read" | "write" | "admin"; expires: string | null; created: string; main: boolean }[]; cursor: null; has_more: boolean } }
  /** Revoke a token at once */
  'access.revoke': { input: { id: string }; output: { id: string; revoked: boolean } }
  /** Replace the main token; the old one stops working at once */
  'access.rotate': { input: Record<string, never>; output: { token: string } }
  /** Give another program on this machine its own name, key and token */
  'agents.add': { input: { name: string; label?: string; pacts?: string[]; operations?: string[]; access?: "read" | "write" | "admin"; lifetime?: number }; output: { name: string; handle: string; agent: string; token: string; pacts: { id: string; alias: string; registered: boolean }[] } }
  /** List the agents of a pact and which of them are online */
  'agents.list': { input: Record<string, never>; output: { handle: string; name: string; agent: string; identity: string; role: "member" | "admin"; label: string | null; online: boolean; is_self: boolean; is_local: boolean; device: string | null; last_seen: string | null }[] }
  /** Take the name, key and tokens of an agent of this machine back, in every pact */
  'agents.revoke': { input: { name: string }; output: { name: string; agent: string; revoked: true } }
  /** Write identity, keys, configuration, local data and the log of every pact into an encrypted archive */
  'backup.create': { input: { passphrase: string; file?: string }; output: { file: string; bytes: number; pacts: number; waiting: number; left_out: string[]; plugin_files: number; plugins_left_out: { plugin: string; reason: string; help: string }[]; contents: number; contents_missing: number } }
  /** Read the entries of a pact as the restored archive has them, newest first */
  'backup.entries': { input: { archived: string; limit?: number; cursor?: string }; output: { entries: { id: string; type: string; topic: string; payload: unknown; author: string; timestamp: string; verdict: string; position: number; live: boolean }[]; cursor: string | null; has_more: boolean } }
  /** List the pacts that came out of a restored archive, and whether a member has let this machine in again */
  'backup.pacts': { input: Record<string, never>; output: { entries: { id: string; alias: string; entries: number; state: "waiting" | "joined" | "refounded" }[]; cursor: null; has_more: false } }
  /** Carry a pact on whose indexers are gone for good: a new pact that imports its whole log */
  'backup.refound': { input: { pact: string; alias?: string; force?: boolean }; output: { id: string; alias: string; of: string; entries: number; contents: number; contents_missing: number } }
  /** Make a link with which another machine with the same 24 words joins this pact */
  'devices.link': { input: Record<string, never>; output: { token: string } }
  /** List the devices of your identity in this pact */
  'devices.list': { input: Record<string, never>; output: { entries: { writer: string; noise: string; is_self: boolean; online: boolean; indexer: boolean; since: number }[]; cursor: null; has_more: false } }
  /** Retire a device of your identity: it can neither read on nor write, and never comes back */
  'devices.retire': { input: { writer: string; indexers?: string[] }; output: { writer: string; entry: string; confirmed: boolean } }
  /** What is new for you since you last asked: each thing once */
  'digest.read': { input: { peek?: boolean; max_tokens?: number }; output: { notice: string; items: { kind: "message" | "claim" | "task" | "entry"; status: string; id: string; by: string; at: string; text: string; confirmed: boolean; type?: string; topic?: string; until?: string }[]; more: number } }
  /** Read one entry with its author, verdict and place in the ledger */
  'entries.get': { input: { id: string }; output: { id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true } }
  /** List entries of any type, newest first */
  'entries.list': { input: { type?: string[]; topic?: string; agent?: string; verdict?: "accepted" | "refused" | "any"; since?: string; until?: string; order?: "asc" | "desc"; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** List the accepted entries that refer to an entry, newest first */
  'entries.referenced-by': { input: { id: string; type?: string; order?: "asc" | "desc"; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** List what happened after a cursor, oldest first */
  'events.changes': { input: { since?: string; from?: "head" | "start"; limit?: number; type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: string | string[]; priority?: string | string[]; assignee?: string | string[]; text?: string; until?: "applied" | "confirmed"; match?: string; wait?: number }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true })[]; events: { seq: number; id: string; kind: string; corrects?: string; stale?: true; subject: string; subject_id: string; position: number; data?: unknown }[]; cursor: string; has_more: boolean } }
  /** Say why an entry does or does not fit a match */
  'events.test': { input: { id: string; match: { type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: "admin" | "member" | ("admin" | "member")[]; pact?: string | string[]; ref?: { type?: string | string[]; target?: string | string[] }; priority?: string | string[]; assignee?: string | string[]; text?: string; where?: Record<string, string | number | boolean | null | (string | number | boolean | null)[] | { gt?: number; gte?: number; lt?: number; lte?: number; not?: string | number | boolean | null; glob?: string; exists?: boolean }>; until?: "applied" | "confirmed" } }; output: { id: string; matches: boolean; confirmed: boolean; events: { kind: string; subject: string; subject_id: string; matches: boolean; why: string; fields: { field: string; fits: boolean; wanted: unknown; found: unknown }[] }[] } }
  /** How this machine and its pacts are doing, in plain words, and what to do */
  'health.report': { input: Record<string, never>; output: { ok: boolean; findings: { level: "ok" | "advice" | "fault"; about: string; words: string }[] } }
  /** Make an invite; hand its token to whoever shall join */
  'invites.create': { input: { role?: "member" | "admin"; max_uses?: number; expires_in?: string; note?: string; allow_secret?: boolean }; output: { id: string; token: string; role: "member" | "admin"; max_uses: number; expires: string | null; entry: string; confirmed: boolean } }
  /** List the invites of the pact, newest first, with their uses; never their tokens */
  'invites.list': { input: { limit?: number; cursor?: string }; output: { entries: { id: string; role: "member" | "admin"; state: "open" | "spent" | "expired" | "revoked"; uses: number; max_uses: number; expires: string | null; note: string | null; entry: string; created: string | null; author: string | null }[]; cursor: string | null; has_more: boolean } }
  /** Revoke an invite: nobody else gets in by it */
  'invites.revoke': { input: { id: string }; output: { id: string; state: "revoked"; entry: string; confirmed: boolean } }
  /** List knowledge by topic, agent and time */
  'knowledge.list': { input: { topic?: string; agent?: string; since?: string; until?: string; order?: "asc" | "desc"; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; pending?: true; waiting?: string })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** Record something that other agents should know */
  'knowledge.record': { input: { topic: string; content: string; source?: string; confidence?: number; refs?: (string | { pact?: string; id: string; type: string })[]; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; pending?: true; waiting?: string } }
  /** List the topics there is knowledge on, the one written to last first */
  'knowledge.topics': { input: { limit?: number; cursor?: string }; output: { entries: { topic: string; count: number; last_id: string }[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** Choose the roles and topics whose messages come into the own inbox */
  'messages.follow': { input: { roles?: string[]; topics?: string[]; all_topics?: boolean }; output: { roles: string[]; topics: string[]; unread: number } }
  /** List what is unread for an agent, the most urgent first, then the oldest */
  'messages.inbox': { input: { agent?: string; all?: boolean; priority?: "low" | "normal" | "high" | "urgent"; limit?: number; cursor?: string }; output: { agent: string; entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; to: string | null; role: string | null; priority: "low" | "normal" | "high" | "urgent"; thread: string; pending?: true; waiting?: string; read_at: string | null })[]; cursor: string | null; has_more: boolean; partial: boolean; unread: { total: number; low: number; normal: number; high: number; urgent: number }; mark: string } }
  /** List messages by recipient, role, topic, author and priority */
  'messages.list': { input: { to?: string; role?: string; topic?: string; agent?: string; priority?: "low" | "normal" | "high" | "urgent"; order?: "asc" | "desc"; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; to: string | null; role: string | null; priority: "low" | "normal" | "high" | "urgent"; thread: string; pending?: true; waiting?: string })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** Mark messages of the own inbox as read */
  'messages.read': { input: { ids?: string[]; up_to?: string }; output: { marked: number; unread: number } }
  /** Say something to all agents of the pact, to one, to a role or on a topic */
  'messages.send': { input: { content: string; to?: string; role?: string; topic?: string; priority?: "low" | "normal" | "high" | "urgent"; reply_to?: string; refs?: (string | { pact?: string; id: string; type: string })[]; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; to: string | null; role: string | null; priority: "low" | "normal" | "high" | "urgent"; thread: string; pending?: true; waiting?: string } }
  /** Show a message with everything that was replied to it and around it */
  'messages.thread': { input: { id: string; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; to: string | null; role: string | null; priority: "low" | "normal" | "high" | "urgent"; thread: string; pending?: true; waiting?: string })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** List every operation of this daemon with its schemas */
  'operations.list': { input: Record<string, never>; output: { version: string; entries: ({ name: string; plugin: string; summary: string; description?: string; http: string; method: string; path: string; params: string[]; query: boolean; scope: "pact" | "daemon"; access: string; input: unknown; output: unknown; errors: string[]; cli?: { path: string; description?: string; args?: string[]; file?: string; columns?: string[]; list?: string; text?: string; after?: string; notes?: Record<string, string> }; mcp?: unknown })[]; cursor: null; has_more: boolean } }
  /** Amend the charter: only the fields that are given change, each as a whole */
  'pacts.amend': { input: { name?: string; purpose?: string; invites?: "admin" | "member"; types?: string[] | null; quotas?: { payload_bytes: number }; rules?: { plugin: string; protocol: number; settings: unknown }[]; force?: boolean; base?: string; allow_secret?: boolean }; output: { charter: { name: string; purpose: string; template: string; visibility: string; invites: "admin" | "member"; types: string[] | null; quotas: { payload_bytes: number }; rules: { plugin: string; protocol: number; settings: unknown }[] }; hash: string; proposed: null | { charter: { name: string; purpose: string; template: string; visibility: string; invites: "admin" | "member"; types: string[] | null; quotas: { payload_bytes: number }; rules: { plugin: string; protocol: number; settings: unknown }[] }; hash: string; ready: string[] }; entry: string; confirmed: boolean } }
  /** Give up an attempt to join */
  'pacts.cancel_join': { input: { ticket: string }; output: { ticket: string; cancelled: true } }
  /** Read the charter of a pact */
  'pacts.charter': { input: Record<string, never>; output: { charter: { name: string; purpose: string; template: string; visibility: string; invites: "admin" | "member"; types: string[] | null; quotas: { payload_bytes: number }; rules: { plugin: string; protocol: number; settings: unknown }[] }; hash: string; proposed: null | { charter: { name: string; purpose: string; template: string; visibility: string; invites: "admin" | "member"; types: string[] | null; quotas: { payload_bytes: number }; rules: { plugin: string; protocol: number; settings: unknown }[] }; hash: string; ready: string[] } } }
  /** Create a pact on this machine */
  'pacts.create': { input: { name: string; alias?: string; purpose?: string; invites?: "admin" | "member"; types?: string[] | null }; output: { id: string; alias: string; name: string; active: boolean; length: number; confirmed: number; synced: boolean; writable: boolean; waiting: string } }
  /** Take the rules of a plugin out of the charter, for every member */
  'pacts.disable_rules': { input: { plugin: string; force?: boolean }; output: { plugin: string; state: "on" | "proposed" | "off"; next: string; entry: string | null; confirmed: boolean } }
  /** Put the rules of a loaded plugin into the charter, with the settings that they start with */
  'pacts.enable_rules': { input: { plugin: string; allow_secret?: boolean }; output: { plugin: string; state: "on" | "proposed" | "off"; next: string; entry: string | null; confirmed: boolean } }
  /** Choose which devices confirm entries: one, or three and more */
  'pacts.indexers': { input: { indexers: string[]; allow_secret?: boolean }; output: { indexers: string[]; entry: string; confirmed: boolean } }
  /** What a pact is: its name, its purpose and its charter */
  'pacts.info': { input: { pactId: string }; output: { id: string; alias: string; name: string; active: boolean; length: number; confirmed: number; synced: boolean; writable: boolean; waiting: string } & { purpose: string; template: string; charter: { name: string; purpose: string; template: string; visibility: string; invites: "admin" | "member"; types: string[] | null; quotas: { payload_bytes: number }; rules: { plugin: string; protocol: number; settings: unknown }[] } | null; charter_hash: string | null } }
  /** Join a pact with the token of an invite or of a device link */
  'pacts.join': { input: { token: string; alias?: string; timeout?: number }; output: { state: "joined" | "pending"; words: string; ticket?: string; pact?: { id: string; alias: string; name: string; active: boolean; length: number; confirmed: number; synced: boolean; writable: boolean; waiting: string }; id?: string; alias?: string; name?: string } }
  /** List the attempts to join that are under way, with what each waits for */
  'pacts.joins': { input: Record<string, never>; output: { entries: { ticket: string; alias: string | null; state: "connecting" | "asking" | "pending" | "accepted" | "joined" | "refused"; words: string; started: string }[]; cursor: null; has_more: false } }
  /** Leave a pact: close it and delete its data from this machine */
  'pacts.leave': { input: { pactId: string; force?: boolean }; output: { id: string; alias: string; left: true } }
  /** List the pacts of this machine */
  'pacts.list': { input: Record<string, never>; output: { entries: { id: string; alias: string; name: string; active: boolean; length: number; confirmed: number; synced: boolean; writable: boolean; waiting: string }[]; cursor: null; has_more: false } }
  /** This machine: who it is, its network, its pacts, what it is joining */
  'pacts.machine': { input: Record<string, never>; output: { peer_handle: string; public_key: string; identity: string; device: string; version: string; network: { online: boolean; connections: number; strangers: number; nodes: number; bootstrap: string[] | null; address: string | null }; active: string | null; pacts: { id: string; alias: string; name: string; active: boolean; length: number; confirmed: number; synced: boolean; writable: boolean; waiting: string }[]; failed: { id: string; error: string; message: string; help: string }[]; joining: { ticket: string; alias: string | null; state: "connecting" | "asking" | "pending" | "accepted" | "joined" | "refused"; words: string; started: string }[] } }
  /** List the members of a pact with their devices and agents */
  'pacts.members': { input: Record<string, never>; output: { entries: ({ identity: string; role: "member" | "admin"; is_self: boolean; online: boolean; devices: { writer: string; noise: string; indexer: boolean; online: boolean; since: number }[]; agents: { handle: string; name: string; agent: string; revoked: boolean }[] })[]; cursor: null; has_more: false } }
  /** List the plugins of this machine: where each comes from, what it offers, how it is doing */
  'pacts.plugins': { input: Record<string, never>; output: { entries: ({ name: string; version: string; summary: string; source: string; state: string; error: string | null; requires: string[]; provides: string[]; entryTypes: string[]; words: Record<string, string>; contributions: { point: string; id: string }[]; rules: null | { protocol: number; digest: string; types: string[]; defaults: unknown } })[]; cursor: null; has_more: false } }
  /** Remove a member for good: all of its devices are cut off and it cannot come back */
  'pacts.remove': { input: { member: string; indexers?: string[] }; output: { identity: string; removed: true; entry: string; confirmed: boolean } }
  /** Give a pact another alias on this machine */
  'pacts.rename': { input: { alias: string }; output: { id: string; alias: string } }
  /** Make a member an admin, or take that back */
  'pacts.role': { input: { member: string; role: "member" | "admin"; allow_secret?: boolean }; output: { identity: string; role: "member" | "admin"; entry: string; confirmed: boolean } }
  /** How a pact is doing on this machine, and what it waits for */
  'pacts.status': { input: Record<string, never>; output: { peer_handle: string; public_key: string; identity: string; device: string; id: string; pact_id: string; alias: string; name: string; length: number; confirmed: number; chain: string | null; contiguous: number; synced: boolean; writable: boolean; indexer: boolean; indexers: { writer: string; identity: string | null; online: boolean; self: boolean }[]; waiting: string; interrupted: null | { reason: string; cure: string }; peers: { noise: string; identity: string | null; since: string; tunnel: boolean }[]; index: { indexed: number; length: number; partial: boolean }; rules: Record<string, { protocol: number; digest: string }>; charter_hash: string | null; proposed: string | null; health: { ok: boolean; problems: string[]; repairs: number } } }
  /** Choose the pact that is meant when none is named */
  'pacts.switch': { input: { pact: string }; output: { id: string; alias: string; name: string; active: boolean; length: number; confirmed: number; synced: boolean; writable: boolean; waiting: string } }
  /** Read the content of a skill, its sha256 checked */
  'skills.content': { input: { id: string; author?: string; timeout?: number }; output: { id: string; name: string; version: string; format: "openclaw" | "langchain" | "generic"; author: string; sha256: string; size: number; content: string } }
  /** Show what changed from one version of a skill to another, line by line */
  'skills.diff': { input: { id: string; from?: string; timeout?: number }; output: { from: string; to: string; same: boolean; diff: string } }
  /** Install a skill on this machine, its sha256 checked */
  'skills.install': { input: { id: string; author?: string; approve?: boolean }; output: { name: string; version: string; format: "openclaw" | "langchain" | "generic"; description: string; id: string; pact: string; author: string; sha256: string; file: string; installed_at: string; path: string } }
  /** List the skills of this pact that are installed on this machine */
  'skills.installed': { input: Record<string, never>; output: { name: string; version: string; format: "openclaw" | "langchain" | "generic"; description: string; id: string; pact: string; author: string; sha256: string; file: string; installed_at: string; intact: boolean }[] }
  /** List the skills of the pact, or the versions of one, the newest first */
  'skills.list': { input: { name?: string; format?: "openclaw" | "langchain" | "generic"; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; name: string; version: string; format: "openclaw" | "langchain" | "generic"; description: string; size: number; sha256: string; requires_approval: boolean; attached: boolean; standing: "stands" | "other-author" | "superseded" })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** Publish a version of a skill */
  'skills.publish': { input: { name: string; version: string; content: string; description: string; format?: "openclaw" | "langchain" | "generic"; requires_approval?: boolean; sha256?: string; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; name: string; version: string; format: "openclaw" | "langchain" | "generic"; description: string; size: number; sha256: string; requires_approval: boolean; attached: boolean; standing: "stands" | "other-author" | "superseded"; pending?: true; waiting?: string; repeated?: true } }
  /** Take an installed skill off this machine */
  'skills.remove': { input: { name: string }; output: { name: string; removed: true } }
  /** Show a skill, and whether its content is on this machine */
  'skills.show': { input: { id: string; author?: string }; output: { id: string; type: string; v: number; topic: string; payload: unknown; refs: { pact?: string; id: string; type: string }[]; author: string; agent: string; identity: string | null; timestamp: string; from_future?: true; position: number; verdict: string; confirmed: boolean; unreadable?: string; caused_by?: string; hops?: number; run?: string; origin?: string; carried_from?: string; secret_allowed?: true; name: string; version: string; format: "openclaw" | "langchain" | "generic"; description: string; size: number; sha256: string; requires_approval: boolean; attached: boolean; standing: "stands" | "other-author" | "superseded"; here: boolean } }
  /** Claim a task so that no other agent works on it */
  'tasks.claim': { input: { id: string; lease_ms?: number; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] } }
  /** End a claimed task for good, with its result */
  'tasks.complete': { input: { id: string; result?: unknown; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] } }
  /** Record a task that any agent of the pact can claim */
  'tasks.create': { input: { title: string; description?: string; topic?: string; priority?: "low" | "normal" | "high" | "urgent"; assignee?: string; depends_on?: string[]; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] } }
  /** List tasks by status, topic and assignee, or those that can be claimed now */
  'tasks.list': { input: { status?: "open" | "claimed" | "complete"; topic?: string; assignee?: string; ready?: boolean; order?: "asc" | "desc"; limit?: number; cursor?: string }; output: { entries: ({ id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** Give a claimed task back, so that another agent can take it */
  'tasks.release': { input: { id: string; reason?: string; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] } }
  /** Start the lease of a claimed task anew, before it runs out */
  'tasks.renew': { input: { id: string; lease_ms?: number; until?: "applied" | "confirmed"; timeout?: number; allow_secret?: boolean }; output: { id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] } }
  /** Show a task with its history */
  'tasks.show': { input: { id: string }; output: { id: string; title: string; description: string; topic: string; priority: "low" | "normal" | "high" | "urgent"; assignee: string | null; depends_on: string[]; status: "open" | "claimed" | "complete"; claimed_by: string | null; lease_until: string | null; lease_expired: boolean; result: unknown; created_by: string; created_at: string; position: number; confirmed: boolean; provisional?: true; pending?: true; waiting?: string; history?: { id: string; what: "recorded" | "claimed" | "renewed" | "released" | "completed"; by: string; at: string; position: number; confirmed: boolean; reason?: string }[] } }
  /** Show exactly what a trigger starts and for whom, and with its hash approve that */
  'triggers.approve': { input: { id: string; hash?: string; roles?: string[]; authors?: string[] }; output: { id: string; approved: boolean; hash: string; executable: string | null; argv: string[]; command: string; cwd: string | null; env: string[]; payload: "file" | "stdin" | "none"; env_set: string[]; fires_for: string[]; no_longer_for: string[]; roles: string[]; authors: string[]; once: boolean; approve: "never" | "first" | "always"; waiting: { entry: string; author: string; event: string }[]; next: string } }
  /** List each attempt to start something, for which entry, and how it ended, newest first */
  'triggers.history': { input: { id?: string; limit?: number; cursor?: string }; output: { entries: { key: string; attempt: number; trigger: string; pact: string; entry: string; event: string; task: string | null; state: "pending" | "running" | "succeeded" | "failed" | "interrupted" | "skipped" | "withdrawn" | "refused"; reason: string | null; created: string; started: string | null; ms: number | null; code: number | null; signal: string | null }[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** List the triggers of this machine and what holds them back */
  'triggers.list': { input: Record<string, never>; output: { entries: ({ id: string; state: "ready" | "running" | "broken" | "paused" | "unapproved" | "failing" | "limited"; reason: string | null; match: { type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: "admin" | "member" | ("admin" | "member")[]; pact?: string | string[]; ref?: { type?: string | string[]; target?: string | string[] }; priority?: string | string[]; assignee?: string | string[]; text?: string; where?: Record<string, string | number | boolean | null | (string | number | boolean | null)[] | { gt?: number; gte?: number; lt?: number; lte?: number; not?: string | number | boolean | null; glob?: string; exists?: boolean }>; until?: "applied" | "confirmed" }; run: string[]; approve: "never" | "first" | "always"; waiting: number; running: number; stopped: number; last_stopped: { entry: string; reason: string; at: string } | null; dropped: number; failures: number; last_run: { key: string; attempt: number; trigger: string; pact: string; entry: string; event: string; task: string | null; state: "pending" | "running" | "succeeded" | "failed" | "interrupted" | "skipped" | "withdrawn" | "refused"; reason: string | null; created: string; started: string | null; ms: number | null; code: number | null; signal: string | null } | null })[]; cursor: null; has_more: false; file: string; error: string | null } }
  /** Show what a run said: the last one of a trigger, or the one with a key; any attempt at it by its number */
  'triggers.logs': { input: { id: string; attempt?: number }; output: { run: { key: string; attempt: number; trigger: string; pact: string; entry: string; event: string; task: string | null; state: "pending" | "running" | "succeeded" | "failed" | "interrupted" | "skipped" | "withdrawn" | "refused"; reason: string | null; created: string; started: string | null; ms: number | null; code: number | null; signal: string | null }; text: string; cut: boolean } }
  /** Start nothing more for a trigger, or for all; matches wait, what runs goes on */
  'triggers.pause': { input: { id?: string; all?: boolean }; output: { paused: string[]; all: boolean } }
  /** Go on with a trigger that was paused or whose runs failed, or with all that were paused together */
  'triggers.resume': { input: { id?: string; all?: boolean }; output: { paused: string[]; all: boolean } }
  /** Start a trigger for an entry now, whatever its limits; what it matches and whom it trusts still holds */
  'triggers.run': { input: { id: string; entry: string }; output: { key: string; attempt: number; trigger: string; pact: string; entry: string; event: string; task: string | null; state: "pending" | "running" | "succeeded" | "failed" | "interrupted" | "skipped" | "withdrawn" | "refused"; reason: string | null; created: string; started: string | null; ms: number | null; code: number | null; signal: string | null } }
  /** Say for an entry which triggers match, whether they would start, and what; starts nothing */
  'triggers.test': { input: { id: string; trigger?: string }; output: { entries: ({ trigger: string; event: string; matches: boolean; trusted: boolean; starts: boolean; reason: string; claim: string | null; executable: string | null; argv: string[]; command: string; cwd: string | null; env: string[]; payload: "file" | "stdin" | "none"; fields: { field: string; fits: boolean; wanted: unknown; found: unknown }[] })[]; cursor: null; has_more: false } }
  /** List deliveries of a subscription, those that wait or are in another state, newest first */
  'webhooks.deliveries': { input: { id: string; state?: "pending" | "delivered" | "dead"; limit?: number; cursor?: string }; output: { entries: ({ id: string; type: string; state: "pending" | "delivered" | "dead"; created: string; next_attempt: string | null; attempts: { at: string; status: number | null; error: string | null; ms: number }[] })[]; cursor: string | null; has_more: boolean; partial?: true } }
  /** List subscriptions with their health and lag */
  'webhooks.list': { input: Record<string, never>; output: { entries: ({ id: string; callback: string; match: { type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: "admin" | "member" | ("admin" | "member")[]; pact?: string | string[]; ref?: { type?: string | string[]; target?: string | string[] }; priority?: string | string[]; assignee?: string | string[]; text?: string; where?: Record<string, string | number | boolean | null | (string | number | boolean | null)[] | { gt?: number; gte?: number; lt?: number; lte?: number; not?: string | number | boolean | null; glob?: string; exists?: boolean }>; until?: "applied" | "confirmed" }; agent: string; created: string; state: "ok" | "failing" | "disabled"; reason?: string; pending: number; lag_ms: number; dead: number; failures: number; last_success: string | null; last_failure: string | null; next_attempt: string | null })[]; cursor: null; has_more: false } }
  /** Send a test message to a callback now and say how it was answered */
  'webhooks.ping': { input: { id: string }; output: { delivered: boolean; status: number | null; error: string | null; ms: number } }
  /** Send one delivery again, or all that were given up */
  'webhooks.replay': { input: { id: string; delivery?: string }; output: { queued: number } }
  /** Give a subscription a new secret; for a day both sign */
  'webhooks.rotate': { input: { id: string }; output: { id: string; secret: string } }
  /** Show a subscription with its health and lag */
  'webhooks.show': { input: { id: string }; output: { id: string; callback: string; match: { type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: "admin" | "member" | ("admin" | "member")[]; pact?: string | string[]; ref?: { type?: string | string[]; target?: string | string[] }; priority?: string | string[]; assignee?: string | string[]; text?: string; where?: Record<string, string | number | boolean | null | (string | number | boolean | null)[] | { gt?: number; gte?: number; lt?: number; lte?: number; not?: string | number | boolean | null; glob?: string; exists?: boolean }>; until?: "applied" | "confirmed" }; agent: string; created: string; state: "ok" | "failing" | "disabled"; reason?: string; pending: number; lag_ms: number; dead: number; failures: number; last_success: string | null; last_failure: string | null; next_attempt: string | null } }
  /** Have events of the pact sent to a URL */
  'webhooks.subscribe': { input: { callback: string; type?: string | string[]; topic?: string | string[]; match?: { type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: "admin" | "member" | ("admin" | "member")[]; pact?: string | string[]; ref?: { type?: string | string[]; target?: string | string[] }; priority?: string | string[]; assignee?: string | string[]; text?: string; where?: Record<string, string | number | boolean | null | (string | number | boolean | null)[] | { gt?: number; gte?: number; lt?: number; lte?: number; not?: string | number | boolean | null; glob?: string; exists?: boolean }>; until?: "applied" | "confirmed" } }; output: { id: string; callback: string; match: { type?: string | string[]; status?: string | string[]; topic?: string | string[]; agent?: string | string[]; owner?: string | string[]; role?: "admin" | "member" | ("admin" | "member")[]; pact?: string | string[]; ref?: { type?: string | string[]; target?: string | string[] }; priority?: string | string[]; assignee?: string | string[]; text?: string; where?: Record<string, string | number | boolean | null | (string | number | boolean | null)[] | { gt?: number; gte?: number; lt?: number; lte?: number; not?: string | number | boolean | null; glob?: string; exists?: boolean }>; until?: "applied" | "confirmed" }; agent: string; created: string; state: "ok" | "failing" | "disabled"; reason?: string; pending: number; lag_ms: number; dead: number; failures: number; last_success: string | null; last_failure: string | null; next_attempt: string | null; secret: string; note?: string } }
  /** Delete a subscription with all its deliveries */
  'webhooks.unsubscribe': { input: { id: string }; output: { id: string; deleted: true } }
}

/** Method and path as declared, below /v1/pacts/:pactId (scope pact) or /v1; scope; access. */
export const routes: Record<string, readonly [http: string, scope: 'pact' | 'daemon', access: string]> = {
  'access.issue': ['POST /tokens', 'daemon', 'admin'],
  'access.list': ['GET /tokens', 'daemon', 'admin'],
  'access.revoke': ['DELETE /tokens/:id', 'daemon', 'admin'],
  'access.rotate': ['POST /tokens/rotate', 'daemon', 'admin'],
  'agents.add': ['POST /agents', 'daemon', 'admin'],
  'agents.list': ['GET /agents', 'pact', 'read'],
  'agents.revoke': ['DELETE /agents/:name', 'daemon', 'admin'],
  'backup.create': ['POST /backup', 'daemon', 'admin'],
  'backup.entries': ['GET /backup/pacts/:archived/entries', 'daemon', 'admin'],
  'backup.pacts': ['GET /backup/pacts', 'daemon', 'admin'],
  'backup.refound': ['POST /refound', 'daemon', 'admin'],
  'devices.link': ['POST /devices/link', 'pact', 'admin'],
  'devices.list': ['GET /devices', 'pact', 'read'],
  'devices.retire': ['DELETE /devices/:writer', 'pact', 'admin'],
  'digest.read': ['POST /digest', 'pact', 'read'],
  'entries.get': ['GET /entries/:id', 'pact', 'read'],
  'entries.list': ['GET /entries', 'pact', 'read'],
  'entries.referenced-by': ['GET /entries/:id/referenced-by', 'pact', 'read'],
  'events.changes': ['GET /changes', 'pact', 'read'],
  'events.test': ['POST /entries/:id/match', 'pact', 'read'],
  'health.report': ['GET /health', 'daemon', 'read'],
  'invites.create': ['POST /invites', 'pact', 'admin'],
  'invites.list': ['GET /invites', 'pact', 'read'],
  'invites.revoke': ['DELETE /invites/:id', 'pact', 'admin'],
  'knowledge.list': ['GET /knowledge', 'pact', 'read'],
  'knowledge.record': ['POST /knowledge', 'pact', 'write'],
  'knowledge.topics': ['GET /knowledge/topics', 'pact', 'read'],
  'messages.follow': ['PUT /inbox/follows', 'pact', 'read'],
  'messages.inbox': ['GET /inbox', 'pact', 'read'],
  'messages.list': ['GET /messages', 'pact', 'read'],
  'messages.read': ['POST /inbox/read', 'pact', 'read'],
  'messages.send': ['POST /messages', 'pact', 'write'],
  'messages.thread': ['GET /messages/:id/thread', 'pact', 'read'],
  'operations.list': ['GET /operations', 'daemon', 'read'],
  'pacts.amend': ['PATCH /charter', 'pact', 'admin'],
  'pacts.cancel_join': ['DELETE /joins/:ticket', 'daemon', 'admin'],
  'pacts.charter': ['GET /charter', 'pact', 'read'],
  'pacts.create': ['POST /pacts', 'daemon', 'admin'],
  'pacts.disable_rules': ['DELETE /charter/rules/:plugin', 'pact', 'admin'],
  'pacts.enable_rules': ['PUT /charter/rules/:plugin', 'pact', 'admin'],
  'pacts.indexers': ['PUT /indexers', 'pact', 'admin'],
  'pacts.info': ['GET /pacts/:pactId', 'daemon', 'read'],
  'pacts.join': ['POST /pacts/join', 'daemon', 'admin'],
  'pacts.joins': ['GET /joins', 'daemon', 'read'],
  'pacts.leave': ['DELETE /pacts/:pactId', 'daemon', 'admin'],
  'pacts.list': ['GET /pacts', 'daemon', 'read'],
  'pacts.machine': ['GET /status', 'daemon', 'read'],
  'pacts.members': ['GET /members', 'pact', 'read'],
  'pacts.plugins': ['GET /plugins', 'daemon', 'read'],
  'pacts.remove': ['DELETE /members/:member', 'pact', 'admin'],
  'pacts.rename': ['PUT /alias', 'pact', 'admin'],
  'pacts.role': ['PUT /members/:member/role', 'pact', 'admin'],
  'pacts.status': ['GET /status', 'pact', 'read'],
  'pacts.switch': ['POST /pacts/switch', 'daemon', 'write'],
  'skills.content': ['GET /skills/:id/content', 'pact', 'read'],
  'skills.diff': ['GET /skills/:id/diff', 'pact', 'read'],
  'skills.install': ['POST /skills/:id/install', 'pact', 'admin'],
  'skills.installed': ['GET /skills/installed', 'pact', 'read'],
  'skills.list': ['GET /skills', 'pact', 'read'],
  'skills.publish': ['POST /skills', 'pact', 'write'],
  'skills.remove': ['DELETE /skills/installed/:name', 'pact', 'admin'],
  'skills.show': ['GET /skills/:id', 'pact', 'read'],
  'tasks.claim': ['PUT /tasks/:id/claim', 'pact', 'write'],
  'tasks.complete': ['PUT /tasks/:id/complete', 'pact', 'write'],
  'tasks.create': ['POST /tasks', 'pact', 'write'],
  'tasks.list': ['GET /tasks', 'pact', 'read'],
  'tasks.release': ['PUT /tasks/:id/release', 'pact', 'write'],
  'tasks.renew': ['PUT /tasks/:id/renew', 'pact', 'write'],
  'tasks.show': ['GET /tasks/:id', 'pact', 'read'],
  'triggers.approve': ['POST /triggers/:id/approve', 'daemon', 'admin'],
  'triggers.history': ['GET /triggers/history', 'daemon', 'admin'],
  'triggers.list': ['GET /triggers', 'daemon', 'admin'],
  'triggers.logs': ['GET /triggers/:id/logs', 'daemon', 'admin'],
  'triggers.pause': ['POST /triggers/pause', 'daemon', 'admin'],
  'triggers.resume': ['POST /triggers/resume', 'daemon', 'admin'],
  'triggers.run': ['POST /entries/:entry/triggers/:id/run', 'pact', 'admin'],
  'triggers.test': ['GET /entries/:id/triggers', 'pact', 'admin'],
  'webhooks.deliveries': ['GET /subscriptions/:id/deliveries', 'pact', 'read'],
  'webhooks.list': ['GET /subscriptions', 'pact', 'read'],
  'webhooks.ping': ['POST /subscriptions/:id/ping', 'pact', 'write'],
  'webhooks.replay': ['POST /subscriptions/:id/replay', 'pact', 'write'],
  'webhooks.rotate': ['POST /subscriptions/:id/rotate', 'pact', 'write'],
  'webhooks.show': ['GET /subscriptions/:id', 'pact', 'read'],
  'webhooks.subscribe': ['POST /subscriptions', 'pact', 'write'],
  'webhooks.unsubscribe': ['DELETE /subscriptions/:id', 'pact', 'write'],
}

export type ErrorCode =
  | 'AGENT_AMBIGUOUS'
  | 'AGENT_EXISTS'
  | 'AGENT_IS_DEFAULT'
  | 'AGENT_NOT_FOUND'
  | 'AGENT_NOT_REVOKED'
  | 'AGENT_UNKNOWN'
  | 'ALREADY'
  | 'ARCHIVED_UNKNOWN'
  | 'ARCHIVE_DAMAGED'
  | 'ARCHIVE_EXISTS'
  | 'ARCHIVE_NEWER'
  | 'ARCHIVE_TRUNCATED'
  | 'ARCHIVE_UNFINISHED'
  | 'ARCHIVE_UNKNOWN'
  | 'ARCHIVE_UNREADABLE'
  | 'ATTACHMENT_CORRUPT'
  | 'ATTACHMENT_FOREIGN'
  | 'ATTACHMENT_INVALID'
  | 'ATTACHMENT_MISSING'
  | 'AUTOBASE_UNCHECKED'
  | 'BACKUP_PARTIAL'
  | 'BODY_MALFORMED'
  | 'BODY_TOO_LARGE'
  | 'CALLBACK_FORBIDDEN'
  | 'CALLBACK_INVALID'
  | 'CALL_ABORTED'
  | 'CHARTER_CONFLICT'
  | 'CHARTER_INVALID'
  | 'CHARTER_SWITCHES_OFF'
  | 'CLOCK_AHEAD'
  | 'CLOSING'
  | 'CONFIG_INVALID'
  | 'CONFIG_UNREADABLE'
  | 'CONTENT_TYPE_UNSUPPORTED'
  | 'CURSOR_INVALID'
  | 'DATABASE_CORRUPT'
  | 'DATA_DIR_LOCKED'
  | 'DATA_DIR_NEWER'
  | 'DATA_DIR_UNUSABLE'
  | 'DELIVERY_UNKNOWN'
  | 'DEPENDENCY_UNKNOWN'
  | 'DEVICE_NEWER'
  | 'DEVICE_UNKNOWN'
  | 'DISK_FULL'
  | 'ENTRY_NOT_HERE'
  | 'ENTRY_REFUSED'
  | 'ENTRY_TYPE_UNKNOWN'
  | 'ENTRY_UNKNOWN'
  | 'EVENT_CURSOR_EXPIRED'
  | 'EVENT_CURSOR_INVALID'
  | 'HOOKS_FROZEN'
  | 'HOOK_RESERVED'
  | 'HOOK_UNKNOWN'
  | 'HOST_REFUSED'
  | 'IDEMPOTENCY_KEY_INVALID'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'IDEMPOTENCY_KEY_RUNNING'
  | 'IDENTITY_EXISTS'
  | 'IDENTITY_UNKNOWN'
  | 'IDENTITY_UNREADABLE'
  | 'INBOX_ELSEWHERE'
  | 'INDEXERS_NEEDED'
  | 'INDEXER_CANNOT_JUDGE'
  | 'INDEXER_NEVER_WROTE'
  | 'INDEXER_NOT_SEATED'
  | 'INDEXER_SET_SIZE'
  | 'INTERNAL'
  | 'INVALID_INPUT'
  | 'INVITE_EXISTS'
  | 'INVITE_EXPIRED'
  | 'INVITE_INVALID'
  | 'INVITE_MALFORMED'
  | 'INVITE_REVOKED'
  | 'INVITE_SPENT'
  | 'INVITE_UNKNOWN'
  | 'JOIN_CANCELLED'
  | 'JOIN_PENDING'
  | 'JOIN_REFUSED'
  | 'JOIN_SUPERSEDED'
  | 'JOIN_UNKNOWN'
  | 'LAST_ADMIN'
  | 'LEASE_TOO_LONG'
  | 'LEAVING_STOPS_PACT'
  | 'LOG_UNPROVEN'
  | 'MATCH_INVALID'
  | 'MCP_NO_PACT'
  | 'MCP_PROMPT_UNKNOWN'
  | 'MCP_RESOURCE_UNKNOWN'
  | 'MCP_SESSIONS_FULL'
  | 'MCP_SESSION_MISSING'
  | 'MCP_SESSION_UNKNOWN'
  | 'MCP_TOOL_UNKNOWN'
  | 'MEMBER_AMBIGUOUS'
  | 'MEMBER_REMOVED'
  | 'MEMBER_UNKNOWN'
  | 'MESSAGE_UNKNOWN'
  | 'METHOD_NOT_ALLOWED'
  | 'NETWORK_UNUSABLE'
  | 'NOT_ASSIGNEE'
  | 'NOT_AUTHORISED'
  | 'NOT_CLAIMANT'
  | 'NOT_READY'
  | 'NOT_WRITABLE'
  | 'OPERATIONS_INVALID'
  | 'OPERATION_MISDECLARED'
  | 'OPERATION_UNKNOWN'
  | 'ORIGIN_REFUSED'
  | 'OUTPUT_INVALID'
  | 'OUT_OF_SCOPE'
  | 'PACTS_NAMESAKE'
  | 'PACT_CLOSED'
  | 'PACT_CORRUPT'
  | 'PACT_EXISTS'
  | 'PACT_INTERRUPTED'
  | 'PACT_KEY_WRONG'
  | 'PACT_MOVED'
  | 'PACT_REOPENING'
  | 'PACT_UNHEALTHY'
  | 'PACT_UNKNOWN'
  | 'PASSPHRASE_WEAK'
  | 'PASSPHRASE_WRONG'
  | 'PAYLOAD_INVALID'
  | 'PAYLOAD_TOO_LARGE'
  | 'PLUGINS_INVALID'
  | 'PLUGIN_FAILED'
  | 'PLUGIN_FAULT'
  | 'PLUGIN_TIMEOUT'
  | 'PORT_TAKEN'
  | 'PORT_UNUSABLE'
  | 'QUERY_UNSUPPORTED'
  | 'RATE_LIMITED'
  | 'RECIPIENT_AMBIGUOUS'
  | 'RECIPIENT_UNKNOWN'
  | 'REFOUND_DONE'
  | 'REFOUND_NEEDLESS'
  | 'REFOUND_UNSURE'
  | 'REPLICATION_STALLED'
  | 'REQUEST_MALFORMED'
  | 'RESTORE_NOT_EMPTY'
  | 'ROUTES_INVALID'
  | 'ROUTE_UNKNOWN'
  | 'RULES_UNKNOWN'
  | 'RUN_UNKNOWN'
  | 'SECRET_FOUND'
  | 'SERVICE_MISSING'
  | 'SKILL_CHECKSUM_MISMATCH'
  | 'SKILL_CONTENT_MISSING'
  | 'SKILL_DIFF_TOO_LARGE'
  | 'SKILL_FOLDER_FOREIGN'
  | 'SKILL_NEEDS_APPROVAL'
  | 'SKILL_NOT_INSTALLED'
  | 'SKILL_OF_ANOTHER_AUTHOR'
  | 'SKILL_OF_OTHER_PACT'
  | 'SKILL_TOO_LARGE'
  | 'SKILL_UNKNOWN'
  | 'SKILL_VERSION_EXISTS'
  | 'STORE_NEWER'
  | 'SUBSCRIPTION_DISABLED'
  | 'SUBSCRIPTION_UNKNOWN'
  | 'TABLE_INVALID'
  | 'TASKS_OFF'
  | 'TASK_BLOCKED'
  | 'TASK_COMPLETE'
  | 'TASK_INVALID'
  | 'TASK_NOT_OPEN'
  | 'TASK_UNKNOWN'
  | 'TOKEN_FILE_UNUSABLE'
  | 'TOKEN_IS_MAIN'
  | 'TOKEN_UNKNOWN'
  | 'TRIGGERS_FILE_INVALID'
  | 'TRIGGERS_FILE_UNSAFE'
  | 'TRIGGER_CHANGED'
  | 'TRIGGER_REFUSED'
  | 'TRIGGER_UNKNOWN'
  | 'TYPE_NOT_ALLOWED'
  | 'UNAUTHENTICATED'
  | 'WRITER_IN_DOUBT'

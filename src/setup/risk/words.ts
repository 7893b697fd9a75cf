/**
 * The table of words by which tools are classed (setup.md §1). All of it may be extended: a word is written once, in lower
 * case, in the row of what it does. Names are split into words before they meet the table; descriptions are read in any form
 * of a verb. Where a row names words around a verb, the first row that fits holds.
 */

/** `Doubt`: the verb may do either. It counts as Write until a hint or the description settles it. */
export type VerbKind = 'Read' | 'Doubt' | 'Write' | 'Execute' | 'Financial' | 'Destructive';

export const VERBS: Readonly<Record<VerbKind, string>> = {
  Read: `
    analyse analyze answer are ask audit average blame browse calculate can cat check classify compare compute count crawl
    describe detect determine diagnose diff discover display enumerate estimate examine exists explain explore extract fetch
    find forecast geocode get glob grep guide has head help identify info inspect introspect is learn lint list locate look
    lookup ls match measure monitor observe parse peek ping poll preview print profile provide query rank read reader recommend
    research retrieve return review sample scan score scrape screen search see show stat status suggest sum summarise summarize
    tail tell think tokenize trace translate tree troubleshoot validate verify view visualize wait watch whoami`,
  Doubt: `
    capture chat configure convert debug decode design download encode export format generate handle interact load modernize
    open optimize orchestrate perform plan prepare process refine render request resolve select setup simulate take transform
    use`,
  Write: `
    accept ack acknowledge activate add adjust alter annotate append apply approve archive assign attach authenticate authorize
    backup ban begin bind block bookmark broadcast change checkout cherry claim clear clone close collect comment commit
    complete confirm connect consume contest copy create crop deactivate decline decr decrement demote deny detach disable
    disconnect dismiss dispute draft draw duplicate edit embed enable enhance enroll escalate expire extend feedback finalize
    fix flag follow fork forward freeze fulfil fulfill grant group hide hset impersonate import incr increment indent index
    ingest init initialize initiate insert invite issue join kick label lease leave like link lock log login logout lpush manage
    mark memorize merge mint modify move mset mute notify paint patch pause persist pin place populate post prepend produce
    promote protect provision publish pull push put rate react reassign rebase receive record recover redo refresh register
    reindex reject release remember rename reopen reorder repair replace reply report reschedule resend reserve reset resize
    respond restore resume revert rewrite rollover rotate rpush sadd save scaffold schedule seed send set setex share sign
    signup snapshot snooze sort split stage star stash store submit subscribe suspend switch sync synchronize tag toggle track
    transfer transition trash triage trim unapprove unarchive unassign unban unbind unblock uncomplete undo unenroll unflag
    unfollow unfreeze ungroup unhide unlike unlink unlock unmark unmerge unmute unpause unpin unprotect unpublish unregister
    unset unsplit unstar unsubscribe untag untrash unwatch update updater upload upsert vote write zadd`,
  Execute: `
    abort bash benchmark boot build call click command compile compose cordon deploy dispatch drag drain emulate eval evaluate
    exec execute failover fill finetune fuzz goto hover install invoke launch materialize migrate navigate play power press
    reboot rebuild reconcile redeploy reload repl replay rerun rescan restart retrain retry rollback run runsync scale scroll
    shell shutdown speak start step stop swipe synthesize tap test train transcribe trigger type uncordon wake`,
  Financial: `
    bid bill buy charge deposit donate exercise invoice order pay payout purchase refund reimburse renew sell spend stake swap
    tip topup trade unstake void withdraw`,
  Destructive: `
    arrtrim cancel decommission del delete deprovision deregister destroy discard drop empty erase expunge flush flushall
    flushdb kill ltrim nuke obliterate prune purge remove revoke shred terminate truncate uninstall wipe`,
};

/** Verbs that are as often nouns: they count at the start of a name, at its end, or where there is no other verb. */
export const NOUNS_TOO = `
  access answer archive audit average backup bid bill block bookmark build call capture cat change chat check command comment
  commit compose compute copy count debug deploy design diff display dispute draft empty export feedback filter flag forecast
  fork format group guide head help import index info init install invite invoice issue label learn leave like link list lock
  log look lookup make mark match measure merge monitor move open order patch pause pin place plan play post power press preview
  process profile project push put query rank rate read record refund release reply report request research reset restore return
  review run sample scan schedule score screen search select set setup share shell sign snapshot sort stage star start stash
  stat status step store stream submit sum swap switch sync tag tail test tip trace track trade transfer trash tree trigger type
  update upload use view vote watch`;

/** Words before a verb that say nothing: `bulk_delete`, `auto_generate`. */
export const FILLERS = 'a all an api async auto batch bulk do multi multiple my reverse safe safely simple the to';

/** Phrases of names whose words are nouns together. */
export const COMPOUNDS = `
  access control, access key, access keys, access list, access lists, access policy, access token, allow list, api key, api
  keys, audit log, audit logs, bank transaction, bank transactions, bitable record, block list, budget schedule, build
  configuration, build id, build log, build logs, call log, call logs, call recording, campaign budget, change log, change
  request, change requests, check list, check run, check runs, client secret, connection string, contract testing, credit note,
  credit notes, data set, deploy key, deploy keys, deploy services, deploy token, deploy tokens, export job, feature flag,
  feature flags, git log, import job, install command, install script, issue link, issue type, issue types, label list, load
  balancer, load balancers, load testing, log group, log groups, log stream, login status, merge request, merge requests, move
  history, open orders, payment method, payment methods, phone number, phone numbers, place details, post office, private key,
  private keys, process group, project update, project updates, publishable key, publishable keys, pull request, pull requests,
  purchase order, purchase orders, read model, read replica, record type, record types, release note, release notes, run
  details, run history, run metrics, sales receipt, security group, service request, service updates, social post, sort order,
  start time, status update, status updates, test case, test cases, test plan, test run, test runs, test suite, time series,
  trade history, transfer job, transfer jobs, trash can, user group, vendor credit, vendor credits, whatsapp message, work item`;

export interface Refinement {
  readonly verbs: string;
  /** Other words of the name, of which one must be there; `*` stands for any. */
  readonly nouns: string;
  readonly kind: VerbKind;
}

/** Verbs whose class the rest of the name decides. */
export const REFINEMENTS: readonly Refinement[] = [
  { verbs: 'run execute', nouns: 'report reports insights metrics promql range instant logql search explain', kind: 'Read' },
  { verbs: 'remove', nouns: 'access member members permission permissions role roles user users', kind: 'Destructive' },
  { verbs: 'remove', nouns: 'from', kind: 'Write' },
  { verbs: 'write', nouns: 'query sql', kind: 'Execute' },
  {
    verbs: 'remove',
    nouns: `assignee assignees bookmark contact contacts cover dependency favorite favorites favourite follower followers issue_link label
    labels like link reaction reactions related relation reviewer reviewers star stopword suppression suppressions tag tags
    vote watcher watchers watchlist`,
    kind: 'Write',
  },
  {
    verbs: 'cancel abort',
    nouns: `build deployment evaluation execution experiment export import item job jobs message migration operation
    pipeline predictions query queue run runs session sessions statement statements suite evaluations task tasks training trainings transfer workflow workflows activity activities`,
    kind: 'Execute',
  },
  { verbs: 'terminate kill', nouns: 'activity activities app process session workflow workflows', kind: 'Execute' },
  {
    verbs: 'clear flush',
    nouns: 'cache caches console presence preference filter filters selection session snapshot auth defaults working',
    kind: 'Write',
  },
  { verbs: 'clear', nouns: 'task tasks run dag', kind: 'Execute' },
  { verbs: 'clear', nouns: '*', kind: 'Destructive' },
  { verbs: 'reset', nouns: 'branch database db repository tokens token dns records credentials hard', kind: 'Destructive' },
  {
    verbs: 'transfer',
    nouns: 'asset assets balance coin coins crypto erc20 erc1155 funds money native nft token tokens usdc',
    kind: 'Financial',
  },
  { verbs: 'withdraw', nouns: 'offer', kind: 'Write' },
  { verbs: 'replace', nouns: 'order orders', kind: 'Financial' },
  { verbs: 'close', nouns: 'position positions', kind: 'Financial' },
  { verbs: 'close', nouns: 'session browser tab page', kind: 'Execute' },
  { verbs: 'resolve', nouns: 'address alias dns host id ids library library-id name names path reference symbol url user', kind: 'Read' },
  {
    verbs: 'generate compose render',
    nouns: 'image images video videos audio speech music song voice sound 3d avatar animation',
    kind: 'Execute',
  },
  { verbs: 'generate create', nouns: 'completion completions embedding embeddings', kind: 'Execute' },
  { verbs: 'write', nouns: 'contract', kind: 'Financial' },
  { verbs: 'generate render', nouns: 'chart charts diagram plot palette uuid', kind: 'Read' },
  { verbs: 'flush', nouns: 'table tables logs privileges', kind: 'Execute' },
  { verbs: 'build', nouns: 'context prompt url', kind: 'Doubt' },
  { verbs: 'take capture get', nouns: 'screenshot screenshots', kind: 'Read' },
  { verbs: 'merge', nouns: 'branch branches pull_request merge_request pr mr', kind: 'Execute' },
  { verbs: 'apply', nouns: '*', kind: 'Execute' },
  { verbs: 'pull', nouns: 'image model', kind: 'Execute' },
  { verbs: 'rotate', nouns: 'key keys secret token credentials', kind: 'Destructive' },
  { verbs: 'unpublish', nouns: 'package', kind: 'Destructive' },
];

/** Nouns of money: what acts on one of them commits money. */
export const MONEY_NOUNS = `
  bank_transaction bid bids bill bills budget_schedule campaign_budget charge charges checkout credit_note credit_notes deposit
  disbursement expense expenses invoice invoices l402 mandate order orders payable payment payment_method payments payout
  payouts purchase purchase_order purchases refund refunds sales_receipt settlement settlements spending subscription trade
  trades transfer transfers vendor_credit withdrawal x402`;

/** Things that are bought by being created. */
export const BOUGHT = 'phone_number phone_numbers';

/** Words of a name that make these nouns something else: a webhook's subscription costs nothing. */
export const NOT_MONEY = `
  attachment attributes branding comment coupon dispute email event eventgrid events evidence fax file filter flag gateway
  gateways group label layout message metadata note notes notification notifications notify plan policy preview price product
  provider qr reminder reorder report role sms sort tag template topic topics user webhook webhooks`;

/** Verbs that change things, however a description tells of them: they speak against a reading name. */
export const EFFECTS = `
  add buy cancel charge create delete deploy destroy drop edit erase insert install lease modify patch pay provision publish
  purchase purge refund remove replace revoke rewrite save send start stop store terminate update upload upsert wipe write`;

/** A server with some of these drives a browser or a screen: all that it does there is a step. */
export const BROWSER_STEPS = 'click doubletap drag fill hover navigate press scroll swipe tap type';

/** Words with which a description begins before it says what the tool does. */
export const LEADS = `
  a actually advanced all allows also always an api asynchronously automatically batch bulk call can command completely critical
  deprecated description directly easily efficiently enables endpoint every fast first fully function immediately important it
  lets locally method new now official operation partially permanently please primary programmatically quickly read-only safely
  securely simple simply soft synchronously the then this tool use used useful via warning will with you your`;

/** Words that are verbs in names only. */
export const NAMES_ONLY = `
  access are average backup build call can cat change charge check cherry comment copy design details display draft filter
  format group guide has head help index info is issue label learn like link list lock log make map match order place plan play
  post power press process query rate read record report reset return run sample schedule score screen search see set share sort
  stage start state status step store stream sum support tag tail test tip track trade tree trigger type update upload use view
  watch`;

/** Verbs that mean something milder in prose than in a name. */
export const IN_PROSE: Readonly<Record<string, string>> = { apply: 'set' };

/** A tool that runs one of these only reads. */
export const CHECKERS = 'audit audits check checks checker lint linter scan scanner scans report analysis analyzer formatter vulnerability';

/** Verbs in other scripts, each with ours, found anywhere in a description. */
export const FOREIGN = `
  删除 delete, 移除 delete, 销毁 destroy, 创建 create, 新建 create, 新增 create, 更新 modify, 修改 modify, 编辑 edit, 设置
  configure, 发送 send, 上传 upload, 发布 publish, 执行 execute, 部署 deploy, 运行 run, 支付 pay, 购买 purchase, 退款 refund, 查询
  retrieve, 获取 get, 搜索 find, 查看 show, 列出 enumerate, 返回 retrieve, 读取 retrieve, 下载 download, 规划 calculate, 测量
  measure, 削除 delete, 作成 create, 取得 get, 検索 find, 一覧 enumerate, 送信 send, 삭제 delete, 생성 create, 수정 modify, 조회
  get, 검색 find, erstellen create, löschen delete, abrufen get, senden send`;

/** `reading`: it speaks against tools that would read only; `acting`: it makes those worse that act anyhow. */
export interface Sign {
  readonly kind: 'Write' | 'Execute' | 'Financial' | 'Destructive' | 'reading' | 'language' | 'secret';
  readonly when: 'reading' | 'acting' | 'always';
  readonly phrases: string;
}

/** Phrases of descriptions. */
export const SIGNS: readonly Sign[] = [
  {
    kind: 'Destructive',
    when: 'acting',
    phrases: `cannot be undone, can not be undone, can t be undone, irreversible, irreversibly, not reversible, permanently delete, permanently deletes,
      permanently remove, permanently removes, permanently destroys, permanently erases, previous content is lost, will be lost`,
  },
  {
    kind: 'Financial',
    when: 'acting',
    phrases: `billable, is billed, be charged, charges the, charges your, charges a, move money, moves money, transfer money, costs money, cost money, cost the user money,
      places an order, place an order, places a renewal order, buys, buy a, refunds, real money, on chain payment, micropayment, transfers funds, complete the payment,
      transfer funds, pays, payment required`,
  },
  {
    kind: 'Financial',
    when: 'always',
    phrases: 'automatic payment, automatic x402 micropayment, purchases a, buys a, pays an, pays the, pays for',
  },
  {
    kind: 'Execute',
    when: 'reading',
    phrases: `incurs charges, incurs compute charges, compute charges, incur charges, incur costs, 
      executes code, execute code, executes javascript, runs javascript, executes arbitrary, execute arbitrary, executes a shell, starts a job, starts an analysis`,
  },
  {
    kind: 'Write',
    when: 'reading',
    phrases: `saves to disk, saved to disk, save to disk, to disk, to a local file, saves the file, saves it to, save it to, saves output, download a file to,
      saves them to, and saves, and save it, presigned url to upload, to upload a file, marks the message, will be marked as read, marks it as read, side effects`,
  },
  {
    kind: 'Execute',
    when: 'always',
    phrases: 'costs credits, consumes credits, may incur costs, command router, sub commands are routed, call a hidden',
  },
  {
    kind: 'reading',
    when: 'reading',
    phrases: 'read-only, read only, readonly, does not modify, no side effects, promql, logql, gaql, soql, logs insights query',
  },
  {
    kind: 'language',
    when: 'reading',
    phrases:
      'sql, sql query, sql queries, select statement, cypher, opencypher, graphql, graphql query, mutation, ddl, dml, n1ql, sql++, aql, gremlin, sparql update, statement',
  },
  {
    kind: 'secret',
    when: 'reading',
    phrases: `returns the secret, plaintext secret, signing secret, returns credentials, temporary credentials, returns a kubeconfig, as a kubeconfig,
      decrypted value, returns the password, returns the token, returns an access token, returns the api key, jwt token used`,
  },
];

/** Nouns of secrets: a tool that gets or makes one of them returns it. */
export const SECRET_NOUNS = `
  access_key access_keys access_token api_key api_keys client_secret connection_string credentials kubeconfig password passwords
  private_key private_keys publishable_key publishable_keys secret secrets token tokens`;

/** Words of a name that make these nouns something else. */
export const NOT_SECRET = `
  activity address alert alerts allowance analyze approve balance config configs contract count counts css design engine erc20
  event events expiry figma history holders info limit location locations log logs metadata mount mounts name names native nft
  permissions policy price provider providers rotation scan scanning scans search settings status style supply transfer
  transfers type types usage validate value vault verify versions`;

/** Things that are edited in small steps: a local file, notes, a memory. */
export const STEP_NOUNS = `block cell cells entities entity file files insight lines memories memory note notes observation observations relations text
  thought`;

/** Arguments by what their names say, in words. */
export const ARGUMENTS = {
  /** They choose what the tool does. */
  action:
    'action, operation, method, command, op, verb, subcommand, sub command, http method, task, mode, event type, operation type, action type',
  /** They hold what is run. */
  code: 'code, script, javascript, js, python, apex code, function body, source code, expression code, program, shell, cmd, shell command, argv, bash, command line, commands, cli command, gcloud command, user data',
  /** They hold a statement in a language that can change data. */
  statement: 'sql, sql query, sql list, statement, statements, sql statement, cypher, cypher query, graphql, graphql query, mutation, ddl',
  /** They may hold one; their descriptions say. */
  query: 'query, queries, q, expression, nrql, dql, filter query',
  /** The tool writes a file there. */
  output:
    'output path, output file, output dir, output directory, output folder, save path, save dir, save to, save directory, download path, download dir, out file, outfile, outfile path, file output, export path, save as, target directory, dest path, output filename, save to disk, save location',
  amount:
    'amount, unit amount, amount usdc, amount usd, amount sats, notional, total, value, price, unit price, price usd, limit price, bid amount, daily budget, lifetime budget, budget value, budget, spend cap, max amount, bid, cost',
  currency: 'currency, currency code, asset, currency iso code, target currency, charge currency',
  /** They hold a secret. */
  secret:
    'password, passwd, passphrase, secret, api key, apikey, access token, auth token, bearer token, refresh token, id token, private key, secret key, client secret, webhook secret, secret value, secret access key, credentials, connection string, connection uri, mnemonic, seed phrase, master password, session token, access key, signing key, encryption key, api secret, service account key, service account json, token value, pat, new password, admin password, user password, qstash creds',
  /** The tool takes what it reads, for a while. */
  lease: 'visibility timeout, visibility timeout ms, lease duration, lease seconds',
  /** A list of things that it deletes. */
  removal: 'delete, deletes, delete ids, deletions, to delete',
  /** The text from which a model makes something, which is paid for. */
  prompt: 'prompt, text prompt',
  /** Amounts that can be nothing else. */
  stake:
    'amount usdc, bid amount, daily budget, lifetime budget, limit price, notional, payment method, payment method id, payment account, payment source, collection mode, spend cap, max amount usd',
  /** Something is told about what happens: such a subscription costs nothing. */
  listener:
    'topic, topic id, topic arn, topicarn, destination id, webhook, webhook url, callback, callback url, notification url, events, event types, resource, thread id, message id',
  /** It is a file of this machine. */
  path: 'path, file path, file, filename, vault, vault path, note path',
  /** It is a place elsewhere. */
  remote:
    'owner, repo, repository, repo slug, branch, bucket, bucket name, project id, site, site id, workspace, drive id, spreadsheet id, document id',
  /** They name another tool. */
  tool: 'tool, tool name, tool slug, tools, tool to call, mcp tool',
} as const;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report's texts in Japanese; English is the key.  The order of the arguments is
 * kept by position (%2$s); what only English needs (a plural's "s") is taken with
 * %N$.0s, which prints nothing.
 *
 * tests/report/texts.mjs checks that every text of the pages is here, and that both
 * languages take the same arguments.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct text {
	const char *english;
	const char *japanese;
};

/* clang-format off: one text, one translation */
static const struct text texts[] = {
	/* durations */
	{"%" PRId64 " d %" PRId64 " h", "%" PRId64 "日%" PRId64 "時間"},
	{"%" PRId64 " h %" PRId64 " min", "%" PRId64 "時間%" PRId64 "分"},
	{"%" PRId64 " min %" PRId64 " s", "%" PRId64 "分%" PRId64 "秒"},
	{"%" PRId64 " s", "%" PRId64 "秒"},
	{"%" PRId64 ".%" PRId64 " s", "%" PRId64 ".%" PRId64 "秒"},

	/* statement.c: what a requirement asks for, and what is not shown */
	{"A change-detection mechanism alerts personnel to changes, additions and deletions of "
	 "critical files",
	 "変更検出メカニズムが、重要なファイルの変更・追加・削除を担当者に警告している"},
	{"That the watched files are all critical files of this entity, and that a person received "
	 "the alerts: see the policy's approval and the system that receives the alerts.",
	 "監視対象が事業体の重要なファイルすべてであること、および担当者が警告を受け取ったこと。"
	 "ポリシーの承認記録と、警告の受信側システムを確認してください。"},
	{"Critical files are compared at least once a week",
	 "重要なファイルの比較が少なくとも週に一度行われている"},
	{"Comparisons of hosts other than this one.", "このホスト以外のホストでの比較。"},
	{"Changes to existing audit log data raise an alert, appending does not",
	 "既存の監査ログの変更は警告され、追記は警告されない"},
	{"The protection of every other audit log, on this host and where logs are collected.",
	 "このホストおよびログ収集先における、他のすべての監査ログの保護。"},
	{"Failures of the change-detection mechanism are detected and reported promptly",
	 "変更検出メカニズムの障害が速やかに検出・報告されている"},
	{"That a person received the alert about a failure; failures of other security controls.",
	 "障害の警告を担当者が受け取ったこと、および他のセキュリティコントロールの障害。"},
	{"Failures of the change-detection mechanism are responded to and documented",
	 "変更検出メカニズムの障害に対応し、文書化している"},
	{"Restoration, root cause, remediation and risk assessment of each failure.",
	 "各障害の復旧、根本原因、是正措置、リスク評価。"},
	{"Alerts of the change-detection mechanism are responded to",
	 "変更検出メカニズムの警告に対応している"},
	{"The incident records.", "インシデントの記録。"},
	{"Containers have no more power over the host than they need (supporting evidence)",
	 "コンテナがホストに対して必要以上の権限を持たない(補助的な証拠)"},
	{"That who approved an exception may do so, and why other containers have such power.",
	 "例外を承認した者にその権限があること、および他のコンテナがその権限を持つ理由。"},

	/* statement.c: reasons */
	{"At the end of the period %" PRIu64 " part%s of the control did not work.",
	 "期間の終わりに、コントロールの%1$" PRIu64 "個の部分が動作していませんでした%2$.0s。"},
	{"At the end of the period %" PRIu64 " part%s of the control worked in part only.",
	 "期間の終わりに、コントロールの%1$" PRIu64
	 "個の部分が一部しか動作していませんでした%2$.0s。"},
	{"%" PRIu64
	 " outage%s ended, but no complete comparison followed: what changed meanwhile is "
	 "not known.",
	 "%1$" PRIu64
	 "件の停止が終了しましたが、その後に完全な比較がありません。その間の変更は不明です%2$.0s。"},
	{"%" PRIu64 " outage%s ended and a complete comparison followed: what differed by then was "
	 "found, what was undone before it was not.",
	 "%1$" PRIu64
	 "件の停止が終了し、その後に完全な比較が行われました。その時点で異なっていたものは検出され、"
	 "それ以前に元に戻されたものは検出されていません%2$.0s。"},
	{"At the end of the period alerts could not be delivered: %s.",
	 "期間の終わりに警告を送れませんでした:%s。"},
	{"%" PRIu64 " finding%s recorded while alerts could not be delivered to every destination; "
	 "the journal does not show whether anybody was alerted.",
	 "すべての宛先に警告を送れない間に%1$" PRIu64 "件の変更が記録されました。"
	 "誰かに警告が届いたかどうかは、ジャーナルからは分かりません%2$.0s。"},
	{"%" PRIu64 " event%s lost and no complete comparison followed.",
	 "%1$" PRIu64 "件のイベントが失われ、その後に完全な比較がありません%2$.0s。"},
	{"%" PRIu64 " event%s lost; a complete comparison followed each loss.",
	 "%1$" PRIu64
	 "件のイベントが失われましたが、それぞれの後に完全な比較が行われました%2$.0s。"},
	{"The journal holds no record of the period.", "この期間の記録がジャーナルにありません。"},
	{"The journal begins on %s, %s after the period does.",
	 "ジャーナルの始まりは%1$sで、期間の始まりより%2$s後です。"},
	{"The last record is of %s; nothing is known of the %s until the end of the period.",
	 "最後の記録は%1$sです。期間の終わりまでの%2$sについては何も分かりません。"},
	{"No signed baseline was accepted, so there was nothing to compare with.",
	 "署名されたベースラインが受け入れられておらず、比較の基準がありませんでした。"},
	{"No baseline was in force before %s.",
	 "%sより前には有効なベースラインがありませんでした。"},
	{"The journal does not say when the control was running.",
	 "コントロールがいつ動作していたかがジャーナルに記録されていません。"},
	{"Files were watched against a baseline whose signature was checked; %" PRIu64
	 " change%s recorded.",
	 "署名を検証したベースラインに対してファイルを監視し、%1$" PRIu64
	 "件の変更を記録しました%2$.0s。"},
	{"The longest time without a complete comparison was %s (%s to %s); the limit is 7 d.",
	 "完全な比較の最長間隔は%1$s(%2$s 〜 %3$s)です。上限は7日です。"},
	{"No comparison is recorded for the last %s of the period.",
	 "期間の最後の%sには比較の記録がありません。"},
	{"No policy is recorded, so it is not known which files had to be compared.",
	 "ポリシーの記録がなく、比較すべきファイルが分かりません。"},
	{"No complete comparison is recorded in the period.",
	 "この期間に完全な比較の記録がありません。"},
	{"In %" PRIu64 " of %" PRIu64 " complete comparisons some files could not be read.",
	 "%2$" PRIu64 "回の完全な比較のうち%1$" PRIu64 "回で、読み取れないファイルがありました。"},
	{"The clock went back by more than a minute %" PRIu64 " time%s: durations are uncertain.",
	 "時計が1分以上戻ったことが%1$" PRIu64 "回あり、時間の長さは不確かです%2$.0s。"},
	{"The period is shorter than a week (%s).", "期間が1週間より短くなっています(%s)。"},
	{"This control's own journal is chained by digests and was verified: %" PRIu64 " records.",
	 "このコントロール自身のジャーナルはダイジェストで連鎖しており、検証されました:%" PRIu64
	 "件の記録。"},
	{"Other audit logs are not watched in a way that allows them to grow.",
	 "他の監査ログは、追記を許す方法では監視されていません。"},
	{"Rules of the policy for files that may only grow: %" PRIu64
	 "; changes of what such files held when the baseline was taken: %" PRIu64
	 ". What was added to them since then is not compared.",
	 "追記のみを許すファイルについてのポリシーの規則:%" PRIu64
	 "件、ベースライン作成時の内容の変更:%" PRIu64
	 "件。その後に追記された内容は比較されません。"},
	{"%" PRIu64 " of %" PRIu64 " alerts are not recorded as delivered to any destination.",
	 "%2$" PRIu64 "件の警告のうち%1$" PRIu64 "件には、どの宛先への送信記録もありません。"},
	{"The control did not record its own state.",
	 "コントロールが自身の状態を記録していません。"},
	{"%" PRIu64 " failure%s not over at the end of the period.",
	 "%1$" PRIu64 "件の障害が期間の終わりに続いていました%2$.0s。"},
	{"%" PRIu64
	 " interruption%s recognised only afterwards, from what is missing in the journal; "
	 "the journal does not show an alert.",
	 "%1$" PRIu64 "件の中断は、ジャーナルの欠落から後になって分かったものです。"
	 "警告の記録はありません%2$.0s。"},
	{"%" PRIu64
	 " failure%s recorded at the time, with cause, start and end; the longest lasted %s.",
	 "%1$" PRIu64
	 "件の障害が、原因・開始・終了とともにその時に記録されました。最長は%3$sです%2$.0s。"},
	{"The control recorded its own state; no failure occurred.",
	 "コントロールは自身の状態を記録しており、障害は発生しませんでした。"},
	{"No failure occurred that called for a response.",
	 "対応を要する障害は発生しませんでした。"},
	{"Cause, start and duration of %" PRIu64
	 " outage%s are recorded; what was done about them is not recorded here.",
	 "%1$" PRIu64
	 "件の停止の原因・開始・長さが記録されています。講じた措置はここには記録されていません%2$.0s。"},
	{"No alert was raised in the period, so no response can be shown.",
	 "この期間に警告が出されなかったため、対応を示すことができません。"},
	{"%" PRIu64
	 " alert%s raised; who looked at them and what was decided is not recorded here.",
	 "%1$" PRIu64
	 "件の警告が出されました。誰が確認し、何を決めたかはここには記録されていません%2$.0s。"},
	{"%" PRIu64 " of %" PRIu64 " alerts are unhandled; the oldest has been for %s.",
	 "%2$" PRIu64 "件の警告のうち%1$" PRIu64 "件が未対応です。最も古いものは%3$s未対応です。"},
	{"Each of %" PRIu64
	 " alerts was acknowledged or closed; the longest time until then was %s.",
	 "%1$" PRIu64 "件の警告すべてが確認または解決されました。それまでの最長時間は%2$sです。"},
	{"%" PRIu64
	 " container%s with power over the host; whether that was needed is not recorded "
	 "here.",
	 "%1$" PRIu64
	 "個のコンテナがホストに対する権限を持っていました。必要性はここには記録されていません%2$.0s。"},
	{"%" PRIu64
	 " container%s with power over the host under an exception, whose owner, reason and end are "
	 "recorded.",
	 "%1$" PRIu64
	 "個のコンテナが、所有者・理由・期限が記録された例外のもとで、ホストに対する権限を持っていました%2$.0s。"},
	{"No container that was recorded had power over the host.",
	 "記録されたコンテナに、ホストに対する権限を持つものはありませんでした。"},
	{"No container was recorded.", "コンテナの記録はありません。"},
	{"The journal is broken: record %" PRIu64 ": %s. From there on it is no evidence.",
	 "ジャーナルが壊れています:記録%1$" PRIu64 ":%2$s。そこから先は証拠になりません。"},
	{"%" PRIu64 " record%s could not be understood.",
	 "%1$" PRIu64 "件の記録を解釈できませんでした%2$.0s。"},

	/* report.c */
	{"the host stopped without the daemon having said that it ends (reset, crash or power loss)",
	 "デーモンの終了記録がないままホストが停止しました(リセット、クラッシュ、または電源断)"},
	{"the daemon ended without saying so (crash or kill)",
	 "デーモンが記録を残さずに終了しました(クラッシュまたは強制終了)"},
	{"the daemon is running again", "デーモンが再び動作"},
	{"Supporting evidence for least privilege (%s, requirement %s), of containers as they ran. "
	 "Security Hub's ECS controls look at task definitions only.",
	 "最小権限(%1$s、要件%2$s)の補助的な証拠で、実際に動作したコンテナについてのものです。"
	 "Security HubのECSコントロールはタスク定義しか見ません。"},

	/* the page */
	{"File-integrity report", "ファイル整合性レポート"},
	{"Sections", "目次"},
	{"Skip to the report", "レポートへ移動"},
	{"Made from the journal alone; the same journal gives the same page.",
	 "ジャーナルのみから作成。同じジャーナルからは同じページが得られます。"},
	{"Page %d of %d", "%d / %d ページ"},
	{"Statements", "要件ごとの結果"},
	{"Timeline", "時系列"},
	{"Settings and scope", "設定と範囲"},
	{"Baseline", "ベースライン"},
	{"Comparisons", "比較"},
	{"Changes", "変更"},
	{"Alerts", "警告"},
	{"Control outages", "コントロールの停止"},
	{"Containers", "コンテナ"},
	{"Access to containers", "コンテナへの接続"},
	{"Journal", "ジャーナル"},
	{"Coverage", "対象範囲"},
	{"Annex", "付録"},
	{"%s more are not shown here; they are in the journal.",
	 "他の%s件はここには示していません。ジャーナルにあります。"},
	{" Every change is in the CSV format of this report.",
	 "すべての変更はこのレポートのCSV形式にあります。"},
	{"Standard", "基準"},
	{"Period (UTC)", "期間(UTC)"},
	{"As of the record of (UTC)", "最後の記録の時刻(UTC)"},
	{"Journal records", "ジャーナルの記録番号"},
	{"Digest of the journal (SHA-256)", "ジャーナルのダイジェスト(SHA-256)"},
	{"%s critical or high, %s announced before", "重大または高:%s、事前に告知:%s"},
	{"Longest time uncompared", "比較の最長間隔"},
	{"limit 7 d", "上限 7日"},
	{"%s not over, %s events lost", "継続中 %s、失われたイベント %s"},
	{"With power over the host", "ホストへの権限を持つもの"},
	{"of %s containers", "全%sコンテナ中"},
	{"%s records in chain", "連鎖した記録 %s件"},
	{"Evidence: ", "証拠:"},
	{"; records ", ";記録 "},
	{"Not shown here: ", "ここに示されないもの:"},
	{"What this host's journal shows about each requirement. Whether the entity meets the "
	 "standard is for the assessor to say.",
	 "このホストのジャーナルが各要件について示すもの。事業体が基準を満たすかどうかは評価者が判断します。"},
	{"When changes were found; at most %s in one bar",
	 "変更が見つかった時期。1本の棒は最大%s件"},
	{"critical change, outage", "重大な変更、停止"},
	{"high change", "高の変更"},
	{"medium change, comparison of a part", "中の変更、一部の比較"},
	{"low change", "低の変更"},
	{"info change", "情報の変更"},
	{"complete comparison", "完全な比較"},
	{"%s changes, worst first", "%s件の変更、重大なものから"},
	{"all others", "その他すべて"},
	{"Changes by directory", "ディレクトリ別の変更"},
	{"What is compared, how changes are seen, and what is left out and why, as signed with the "
	 "baseline.",
	 "何を比較し、変更をどう検出し、何をなぜ除外しているか。ベースラインとともに署名されたもの。"},
	{"Policy", "ポリシー"},
	{"Changed in the period", "期間中の変更"},
	{"yes", "あり"},
	{"no", "なし"},
	{"Directories", "ディレクトリ"},
	{"How changes are seen", "変更の検出方法"},
	{"Hash algorithm", "ハッシュアルゴリズム"},
	{"Alert destinations recorded", "記録された警告の宛先"},
	{"Digest of the policy (SHA-256)", "ポリシーのダイジェスト(SHA-256)"},
	{"Critical files by category", "分類別の重要なファイル"},
	{"Rules", "規則"},
	{"Exclusions", "除外"},
	{"Nothing is excluded.", "除外はありません。"},
	{"Rules of the policy", "ポリシーの規則"},
	{"Path", "パス"},
	{"Class", "クラス"},
	{"Category", "分類"},
	{"Reason", "理由"},
	{"Approved by", "承認者"},
	{"Watches", "監視"},
	{"Watch", "監視"},
	{"Of", "対象"},
	{"Directory", "ディレクトリ"},
	{"No watch was recorded in the period.", "この期間に監視の記録はありません。"},
	{"The signed list of expected states, each time the control accepted one.",
	 "期待される状態の署名付き一覧。コントロールが受け入れるたびに記録されます。"},
	{"No baseline was accepted.", "受け入れられたベースラインはありません。"},
	{"Accepted %s UTC", "受け入れ %s UTC"},
	{"Signature", "署名"},
	{"Signed with key", "署名鍵"},
	{"Digest (SHA-256)", "ダイジェスト(SHA-256)"},
	{"File", "ファイル"},
	{"Objects", "対象の数"},
	{"Created (UTC)", "作成(UTC)"},
	{"Every comparison of files with the baseline. Complete ones covered every directory of the "
	 "policy; only they count against the limit of 7 d.",
	 "ファイルとベースラインの比較すべて。完全な比較とはポリシーのすべてのディレクトリを対象としたもので、"
	 "7日の上限にはこれだけが数えられます。"},
	{"Longest time without a complete comparison: ", "完全な比較の最長間隔:"},
	{"Start (UTC)", "開始(UTC)"},
	{"Trigger", "契機"},
	{"Since last", "前回から"},
	{"Compared / expected", "比較 / 予定"},
	{"Added / removed / changed", "追加 / 削除 / 変更"},
	{"Unreadable", "読取不可"},
	{"Result", "結果"},
	{"Record", "記録"},
	{"part", "一部"},
	{"Differences from the baseline that were recorded in the period, in the order of the "
	 "journal; if there are very many, the worst of them.",
	 "この期間に記録されたベースラインとの差異を、ジャーナルの順に示します。非常に多い場合は重大なものを示します。"},
	{"Number of changes: %s", "変更の数:%s"},
	{"record %" PRId64, "記録 %" PRId64},
	{" · file of container ", " · コンテナのファイル "},
	{"What changed", "変更点"},
	{"Attribute", "属性"},
	{"Before", "変更前"},
	{"After", "変更後"},
	{"Moved from", "移動元"},
	{"Process", "プロセス"},
	{"not known: found by comparison", "不明:比較で検出"},
	{"Command line", "コマンドライン"},
	{"User", "ユーザー"},
	{"Login user", "ログインユーザー"},
	{"not set", "未設定"},
	{"Container", "コンテナ"},
	{"none: a process of the host", "なし:ホストのプロセス"},
	{"privileged", "特権"},
	{"power over the host", "ホストへの権限"},
	{"Came in through", "接続経路"},
	{"Announced before", "事前の告知"},
	{"Detections by rules", "規則による検出"},
	{"Severity", "深刻度"},
	{"Rule", "規則"},
	{"Output", "出力"},
	{"What became of each alert: delivered, acknowledged, closed. Unhandled ones first, the worst "
	 "of them first.",
	 "各警告の経過:送信、確認、解決。未対応のものを、重大なものから先に示します。"},
	{"Unhandled: %s. Acknowledged: %s. Closed: %s.", "未対応:%s。確認済み:%s。解決済み:%s。"},
	{"State", "状態"},
	{"Time (UTC)", "時刻(UTC)"},
	{"Alert", "警告"},
	{"by ", "実行者 "},
	{"took ", "所要 "},
	{"Made with", "作成プログラム"},
	{"Exception", "例外"},
	{"owner ", "所有者 "},
	{", until ", "、期限 "},
	{"Delivered to", "送信先"},
	{"Acknowledged", "確認"},
	{"Closed", "解決"},
	{"When a part of this control did not work, and what was lost then. Causes are shown as they "
	 "were recorded.",
	 "このコントロールの一部が動作しなかった時間と、その間に失われたもの。原因は記録のまま示します。"},
	{"No outage was recorded.", "停止の記録はありません。"},
	{"What", "対象"},
	{"End (UTC)", "終了(UTC)"},
	{"Duration", "長さ"},
	{"Cause", "原因"},
	{"Recovered by", "復旧"},
	{"not over", "継続中"},
	{"seen afterwards", "後から判明"},
	{"Lost events", "失われたイベント"},
	{"Part", "部分"},
	{"Events lost", "失われた数"},
	{"Notes of the control", "コントロールの注記"},
	{"Note", "注記"},
	{"Seen (UTC)", "確認(UTC)"},
	{", then gone", "、その後消滅"},
	{"Who got into a running container: sessions of ECS Exec, docker exec, docker cp and the like. "
	 "The principal behind a session is in CloudTrail under the session's id, and here where the "
	 "daemon reads CloudTrail.",
	 "動作中のコンテナに誰が入ったか:ECS Execのセッション、docker exec、docker cpなど。"
	 "セッションのプリンシパルは、セッションIDでCloudTrailを確認できます。"
	 "デーモンがCloudTrailを読む場合はここにも示します。"},
	{"Sessions of ECS Exec", "ECS Execのセッション"},
	{"Clock", "時計"},
	{"synchronised", "同期済み"},
	{"not synchronised", "同期していない"},
	{"not recorded", "記録なし"},
	{"Not synchronised in the period: ", "期間中に同期していなかった時間: "},
	{"Session", "セッション"},
	{"First, last (UTC)", "最初、最後(UTC)"},
	{"Asked for by", "要求者"},
	{"Files touched", "変更されたファイル"},
	{"not in the journal: look in CloudTrail", "ジャーナルにない:CloudTrailで確認"},
	{"requested", "要求のみ"},
	{"used", "使用"},
	{"forged", "偽装"},
	{"Its program (SHA-256)", "そのプログラム(SHA-256)"},
	{"Changes of the policy", "ポリシーの変更"},
	{"and %s more, not shown here", "他%s件(ここでは省略)"},
	{"No access was recorded in the period.", "この期間に接続の記録はありません。"},
	{"How", "方法"},
	{"Who", "誰が"},
	{"Command", "コマンド"},
	{"Everything here is taken from this journal. Each record holds the digest of the one before. "
	 "Compare the last digest with a copy that left the host earlier: a journal that was cut "
	 "short does not contain it.",
	 "ここにあるものはすべてこのジャーナルから得たものです。各記録は直前の記録のダイジェストを含みます。"
	 "最後のダイジェストを、以前にホスト外へ出した控えと照合してください。切り詰められたジャーナルには含まれません。"},
	{"Verification", "検証"},
	{"; first bad record %" PRId64 ": %s", "。最初の不正な記録 %" PRId64 ":%s"},
	{"; the last line is incomplete (being written, or a crash)",
	 "。最後の行は不完全です(書き込み中、またはクラッシュ)"},
	{"Records", "記録"},
	{"From (UTC)", "開始(UTC)"},
	{"To (UTC)", "終了(UTC)"},
	{"Last digest (SHA-256)", "最後のダイジェスト(SHA-256)"},
	{"Host starts", "ホストの起動回数"},
	{"Clock set back", "時計の後退"},
	{"This report is about one host. Which hosts were expected, which of them reported, and with "
	 "which image and baseline, is in the fleet's report: ecs-fim fleet report, made of the "
	 "bundles of all hosts.",
	 "このレポートは1台のホストについてのものです。予定されたホスト、報告したホスト、"
	 "それぞれのイメージとベースラインは、全ホストのバンドルから作るフリートレポート"
	 "(ecs-fim fleet report)にあります。"},
	{"To check a sample", "抜き取り検査の方法"},
	{"Pick hosts and weeks at random; ask for the journal of each, and for the head that left the "
	 "host at the end of the week.",
	 "ホストと週を無作為に選び、それぞれのジャーナルと、その週末にホスト外へ出したヘッドを求めます。"},
	{"ecs-fim journal verify names the first bad record; by hand: the SHA-256 of each line, newline "
	 "included, is the member prev of the next.",
	 "ecs-fim journal verify は最初の不正な記録を示します。手作業では、各行(改行を含む)のSHA-256が"
	 "次の行の prev と一致します。"},
	{"Check the signature of the baseline with openssl dgst -sha256 -verify, and some of its files "
	 "with ecs-fim baseline export --format sha256sums and sha256sum -c.",
	 "ベースラインの署名を openssl dgst -sha256 -verify で、いくつかのファイルを "
	 "ecs-fim baseline export --format sha256sums と sha256sum -c で確認します。"},
	{"Make this report again from the journal: the same journal and options give the same bytes.",
	 "ジャーナルからこのレポートを作り直します。同じジャーナルとオプションからは同じバイト列が得られます。"},
	{"Words", "用語"},
	{"signed list of expected states, made when the image was built",
	 "イメージ作成時に作られた、期待される状態の署名付き一覧"},
	{"every file of the policy measured and compared with the baseline",
	 "ポリシーのすべてのファイルを測定し、ベースラインと比較すること"},
	{"one difference from what was expected, with evidence",
	 "期待される状態との一つの差異と、その証拠"},
	{"a time in which a part of the control did not work",
	 "コントロールの一部が動作しなかった時間"},
	{"reports of the kernel that could not be kept; what they may have been about is compared again",
	 "保持できなかったカーネルの通知。関係し得るものは改めて比較されます"},
	{"digest of the last record; it depends on every record before",
	 "最後の記録のダイジェスト。それ以前のすべての記録に依存します"},

	/* the fleet */
	{"%" PRId64 " of %" PRId64
	 " bundles were rejected: they are not what their manifests say, or "
	 "contradict each other.",
	 "%2$" PRId64 "個のバンドルのうち%1$" PRId64
	 "個が、マニフェストと一致しないか互いに矛盾するため拒否されました。"},
	{"Bundles that do not continue their host's journal, as records before them are missing: "
	 "%" PRId64 ".",
	 "それより前の記録が欠けているため、ホストのジャーナルにつながらないバンドル:%" PRId64
	 "個。"},
	{"No evidence of hosts that were expected: %" PRId64 ".",
	 "予定されたのに証拠がないホスト:%" PRId64 "台。"},
	{"Hosts that fell silent more than 2 days before the end: %" PRId64 ".",
	 "期間の終わりの2日以上前に沈黙したホスト:%" PRId64 "台。"},
	{"Which hosts were expected was not said, so a missing one cannot be noticed.",
	 "予定されたホストが示されていないため、欠けていても分かりません。"},
	{"Bundles whose signature was not checked, for want of a key: %" PRId64 ".",
	 "鍵がないため署名を検証していないバンドル:%" PRId64 "個。"},
	{"Hosts without a complete comparison for more than 7 days: %" PRId64
	 " or more; the longest time was %" PRId64 " h.",
	 "7日を超えて完全な比較がなかったホスト:%" PRId64 "台以上。最長は%" PRId64 "時間です。"},
	{"The longest time without a complete comparison on any host was %" PRId64 " h.",
	 "いずれかのホストでの完全な比較の最長間隔は%" PRId64 "時間です。"},
	{"Hosts without a signed baseline: %" PRId64 ".",
	 "署名されたベースラインのないホスト:%" PRId64 "台。"},
	{"Outages that were not over: %" PRId64 " or more.",
	 "終わっていない停止:%" PRId64 "件以上。"},
	{"Changes recorded on %" PRId64 " hosts: %" PRId64 ".",
	 "%" PRId64 "台のホストで記録された変更:%" PRId64 "件。"},
	{"Outages recorded: %" PRId64 "; events lost: %" PRId64 ".",
	 "記録された停止:%" PRId64 "件、失われたイベント:%" PRId64 "件。"},
	{"That a person received the alerts: see each host's report.",
	 "担当者が警告を受け取ったこと。各ホストのレポートを確認してください。"},
	{"Hosts that nobody expected and that sent nothing.",
	 "予定されておらず、何も送らなかったホスト。"},
	{"File-integrity report of the fleet", "フリートのファイル整合性レポート"},
	{"Made from the bundles alone; the same bundles give the same page.",
	 "バンドルのみから作成。同じバンドルからは同じページが得られます。"},
	{"What the hosts' journals show about each requirement. Whether the entity meets the standard "
	 "is for the assessor to say.",
	 "ホストのジャーナルが各要件について示すもの。事業体が基準を満たすかどうかは評価者が判断します。"},
	{"Rejected evidence", "拒否された証拠"},
	{"Baselines and images", "ベースラインとイメージ"},
	{"Drift by baseline", "ベースライン別の差異"},
	{"Longest times uncompared", "比較の最長間隔"},
	{"Bundles that are not what their manifests say, or that contradict others of their host: "
	 "nothing of them counts. Bundles before which records are missing: they count, and there "
	 "is a hole. Of their hosts there is insufficient evidence.",
	 "マニフェストと一致しないか、同じホストの他のバンドルと矛盾するバンドル:内容は数えられません。"
	 "前の記録が欠けているバンドル:数えられますが、欠落があります。そのホストは証拠不十分です。"},
	{"No bundle was rejected.", "拒否されたバンドルはありません。"},
	{"Hosts that were expected, and those that sent evidence.",
	 "予定されたホストと、証拠を送ったホスト。"},
	{"No host is known.", "ホストはありません。"},
	{"Which baseline and image each host had last.",
	 "各ホストが最後に持っていたベースラインとイメージ。"},
	{"Changes on the hosts of each baseline.", "各ベースラインのホストでの変更。"},
	{"No change was recorded.", "変更の記録はありません。"},
	{"The longest time without a complete comparison, host by host, the longest first.",
	 "完全な比較の最長間隔をホストごとに、長いものから示します。"},
	{"No comparison was recorded.", "比較の記録はありません。"},
	{"When a part of the control did not work on a host; those not over first.",
	 "ホストでコントロールの一部が動作しなかった時間。継続中のものを先に示します。"},
	{"Containers with power over their host, by image and task definition.",
	 "ホストに対する権限を持つコンテナを、イメージとタスク定義ごとに示します。"},
	{"Host", "ホスト"},
	{"Image", "イメージ"},
	{"Hosts", "ホスト数"},
	{"Critical or high, not announced", "重大または高、告知なし"},
	{"Task definition", "タスク定義"},
	{"Bundles", "バンドル"},
	{"Hosts reporting", "報告したホスト"},
	{"of %s expected", "予定 %s台"},
	{"Bundles rejected", "拒否されたバンドル"},
	{"of %s", "全%s個"},
	{"on %s baselines", "ベースライン %s種"},
	{"%s events lost", "失われたイベント %s"},
	{"not on the list", "一覧にない"},
	{"none", "なし"},

	/* words that records hold */
	{"reporting", "報告中"},
	{"rejected", "拒否"},
	{"missing", "欠落"},
	{"incomplete", "不完全"},
	{"silent", "沈黙"},
	{"ended", "終了"},
	{"met", "適合"},
	{"not met", "不適合"},
	{"insufficient evidence", "証拠不十分"},
	{"info", "情報"},
	{"low", "低"},
	{"medium", "中"},
	{"high", "高"},
	{"critical", "重大"},
	{"modified", "内容変更"},
	{"added", "追加"},
	{"removed", "削除"},
	{"attributes", "属性変更"},
	{"moved", "移動"},
	{"restored", "復元"},
	{"transient", "一時的"},
	{"unreadable", "読取不可"},
	{"rule", "規則"},
	{"verified", "検証済み"},
	{"broken", "破損"},
	{"valid", "有効"},
	{"unhandled", "未対応"},
	{"acknowledged", "確認済み"},
	{"closed", "解決済み"},
	{"down", "停止"},
	{"degraded", "一部動作"},
	{"host", "ホスト"},
	{"container", "コンテナ"},
	{"gone", "消滅"},
	{"start-up", "起動時"},
	{"scheduled", "定期"},
	{"overflow", "あふれ"},
	{"request", "要求"},
	{"watch", "監視"},
	{"event", "イベント"},
	{"op", "操作"},
	{"detected by", "検出"},
	{"detected_by", "検出"},
	{"category", "分類"},
	{"class", "クラス"},
	{"image", "イメージ"},
	{"task_arn", "タスク"},
	{"family", "タスク定義"},
	{"cluster", "クラスター"},
	{"account", "アカウント"},
	{"region", "リージョン"},
	{"id", "ID"},
	{"type", "種類"},
	{"mode", "モード"},
	{"size", "サイズ"},
	{"target", "リンク先"},
	{"hostname", "ホスト名"},
	{"instance id", "インスタンスID"},
	{"image id", "イメージID"},
	{"kernel", "カーネル"},
	{"daemon sha256", "デーモンのSHA-256"},
	{"tool sha256", "コマンドのSHA-256"},
	{"cluster arn", "クラスターのARN"},
	{"container instance arn", "コンテナインスタンスのARN"},
	{"module version", "モジュールの版"},
	{"module srcversion", "モジュールのsrcversion"},
	{"module signature", "モジュールの署名"},
	{": %s alerts, the last %s UTC", ": 警告%s件、最後は%s UTC"},
	{"Agreed to since", "その後に承認されたもの"},
	{"enrollment", "登録"},
	{"module file", "モジュールのファイル"},
	{"module sha256", "モジュールのSHA-256"},
	{"module signer", "モジュールの署名者"},
	{"auto scaling group", "Auto Scalingグループ"},
	{"machine", "アーキテクチャ"},
	{"build", "ビルド"},
	{"system executables", "システム実行ファイル"},
	{"application executables", "アプリケーション実行ファイル"},
	{"configuration files", "設定ファイル"},
	{"configuration and parameter files", "設定ファイルとパラメーターファイル"},
	{"audit logs", "監査ログ"},
	{"strict", "厳格"},
	{"once", "初回起動時のみ"},
	{"templated", "ひな形"},
	{"metadata", "メタデータのみ"},
	{"append-only", "追記のみ"},
	{"excluded", "除外"},
	{"write", "書込み"},
	{"create", "作成"},
	{"mkdir", "ディレクトリ作成"},
	{"symlink", "シンボリックリンク"},
	{"mknod", "特殊ファイル作成"},
	{"link", "リンク作成"},
	{"delete", "削除"},
	{"rmdir", "ディレクトリ削除"},
	{"rename", "名前変更"},
	{"truncate", "切詰め"},
	{"owner", "所有者変更"},
	{"times", "時刻変更"},
	{"xattr", "拡張属性"},
	{"xattrs", "拡張属性"},
	{"acl", "ACL"},
	{"flags", "フラグ"},
	{"mount", "マウント"},
	{"umount", "アンマウント"},
	{"remount", "再マウント"},
	{"device", "デバイス書込み"},
	{"lend", "貸与"},
	{"access", "接続"},
	{"signal", "シグナル"},
	{"trace", "トレース"},
	{"unload", "取外し"},
	{"arm", "取外し拒否"},
	{"disarm", "取外し許可"},
	{"file", "ファイル"},
	{"dir", "ディレクトリ"},
	{"char", "キャラクターデバイス"},
	{"block", "ブロックデバイス"},
	{"fifo", "FIFO"},
	{"socket", "ソケット"},
	{"links", "リンク数"},
	{"nlink", "リンク数"},
	{"sha256", "SHA-256"},
	{"rdev", "デバイス番号"},
	{"verity", "fs-verity"},
	{"place", "場所"},
	{"daemon", "デーモン"},
	{"module", "モジュール"},
	{"ring", "リングバッファー"},
	{"docker", "Docker"},
	{"sink", "送信先"},
	{"source", "イベント源"},
	{"rules", "規則"},
	{"cloudtrail", "CloudTrail"},
	{"journal", "ジャーナル"},
	{"docker-exec", "docker exec"},
	{"exec", "docker exec"},
	{"ecs-exec", "ECS Exec"},
	{"forged-ecs-exec", "偽装されたECS Exec"},
	{"ecs-exec-armed", "ECS Execの準備"},
	{"ecs-exec-used", "ECS Execの使用"},
	{"ecs-exec-forged", "ECS Execの偽装"},
	{"attach", "アタッチ"},
	{"copy", "コピー"},
	{"archive-path", "ファイルの取出し"},
	{"extract-to-dir", "ファイルの書込み"},
	{"commit", "イメージ化"},
	{"changed", "変更"},
	{"signed", "あり"},
	{"unsigned", "なし"},
	{"lockdown", "ロックダウン"},
	{"module signatures enforced", "モジュール署名の強制"},
	{"tainted", "カーネルの汚染フラグ"},
	{"ftrace enabled", "ftraceの有効化"},
	{"livepatch", "ライブパッチ"},
	{"image_digest", "イメージのダイジェスト"},
	{"task_check", "タスクの確認"},
	{"real-time, by the kernel module", "リアルタイム(カーネルモジュール)"},
	{"real-time, by fanotify", "リアルタイム(fanotify)"},
	{"comparison only", "比較のみ"},
	{"not recorded", "記録なし"},
	{"baseline", "ベースライン"},
	{"comparison", "比較"},
	{"change", "変更"},
	{"outage", "停止"},
	{"lost events", "失われたイベント"},
	{"head", "ヘッド"},
};
/* clang-format on */

const char *fim_tr(enum fim_lang lang, const char *english)
{
	size_t i;

	if (lang == FIM_LANG_EN)
		return english;
	for (i = 0; i < COUNT(texts); i++)
		if (*texts[i].english == *english && strcmp(texts[i].english, english) == 0)
			return texts[i].japanese;
	return english;
}

const char *fim_tr_name(enum fim_lang lang, const char *name)
{
	static const struct text english[] = {
		{"op", "operation"},
		{"detected_by", "detected by"},
		{"task_arn", "task"},
		{"family", "task definition"},
		{"image_digest", "image digest"},
		{"task_check", "task as ECS says"},
	};
	size_t i;

	if (!name)
		return "";
	for (i = 0; lang == FIM_LANG_EN && i < COUNT(english); i++)
		if (strcmp(english[i].english, name) == 0)
			return english[i].japanese;
	return fim_tr(lang, name);
}

int fim_lang_parse(const char *text, enum fim_lang *lang_ret)
{
	if (strcmp(text, "en") == 0)
		*lang_ret = FIM_LANG_EN;
	else if (strcmp(text, "ja") == 0)
		*lang_ret = FIM_LANG_JA;
	else
		return -EINVAL;
	return 0;
}

enum fim_lang fim_report_lang(const struct fim_json *report)
{
	const char *text = fim_json_get_str(report, "lang");
	enum fim_lang lang = FIM_LANG_EN;

	if (text)
		fim_lang_parse(text, &lang);
	return lang;
}

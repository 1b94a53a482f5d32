# お客さまが読む文章。

channel-name = { $channel ->
    [webchat] ウェブチャット
    [email] メール
   *[other] { $label }
}

field-email = メールアドレス
field-name = お名前
field-phone = 電話番号
field-user-name = ユーザー名
field-user-id = お客さま番号
field-locale = 言語
field-other = アカウントのその他の情報

until-minutes = { $clock }(UTC)、残り { $minutes } 分
until-hours = { $clock }(UTC)、残り { $hours } 時間
until-days = { $date } { $clock }(UTC)

landing-heading = { $tenant } にログイン
landing-lead = このリンクはチャットで送られたものです。ログインすると、ご本人であることが { $tenant } に伝わります。
landing-facts = このログインについて
landing-chat = チャット
landing-provider = ログイン先
landing-shares = { $tenant } に渡される情報
landing-shares-nothing = ログインしたことだけ
landing-expires = リンクの有効期限
landing-password = パスワードは { $host } でのみ入力し、チャットには決して書かないでください。
landing-continue = 続ける
landing-unasked = お心当たりがない場合は、このページを閉じてください。
landing-decline = 身に覚えがありません

decline-heading = このログインを中止しますか?
decline-lead = リンクは使えなくなり、お客さまが依頼していないことが { $tenant } に伝わります。
decline-confirm = はい、身に覚えがありません
decline-back = 戻る
declined-heading = ログインを中止しました
declined-lead = リンクは使えなくなりました。お客さまの情報は何も渡されていません。このページを閉じてかまいません。

completed-heading = ログインしました
completed-lead = ご本人であることが { $tenant } に伝わりました。このページを閉じて、チャットを続けてください。
back-to-chat = チャットに戻る
away-heading = もう少しです
away-lead = チャットに戻ってください。ご本人であることがチャットで確認されると、{ $tenant } に伝わります。
away-failed-heading = ログインできませんでした
away-failed-lead = チャットに戻ってください。そこでもう一度ログインするか、新しいメッセージを依頼できます。

provisional-heading = あと一歩です
provisional-lead = このコードを、依頼したチャットで送信してください。ほかの場所には入力しないでください。
provisional-code = コード
provisional-spelled = 一文字ずつ: { $letters }
provisional-until = コードの有効期限
provisional-warning = このコードを送った人がご本人とみなされます。電話や別の連絡先で尋ねられても、決して教えないでください。

working-heading = 少々お待ちください
working-lead = ログインを完了しています。このページは自動で更新されます。

denied-heading = ログインしませんでした
denied-lead = { $provider } で拒否されました。問題ありません。お客さまの情報は何も渡されていません。
late-heading = 時間がかかりすぎました
late-lead = { $provider } でのログインは無効になりました。もう一度お試しください。
busy-heading = { $provider } が応答していません
busy-lead = お客さまのせいではありません。数分待ってから、もう一度お試しください。
setup-heading = ログインが故障しています
setup-lead = お客さまのせいではなく、やり直しても直りません。チャットで { $tenant } に下の参照番号をお伝えください。
missing-heading = 情報が足りません
missing-lead = { $provider } のアカウントに、{ $tenant } が必要とする情報がありません。チャットで下の参照番号をお伝えください。
unconfirmed-heading = コードの期限が切れました
unconfirmed-lead = 時間内にチャットで送信されませんでした。もう一度ログインすると、新しいコードを受け取れます。
spent-heading = 誤ったコードが多すぎます
spent-lead = 安全のため、このログインを中止しました。もう一度ログインすると、新しいコードを受け取れます。
voided-heading = もう一度ログインされました
voided-lead = 新しいログインに置き換わりました。新しいページのコードをお使いください。
interrupted-heading = ログインが中断されました
interrupted-lead = 途中で止まってしまいました。もう一度お試しください。
ours-heading = 問題が発生しました
ours-lead = こちらの問題であり、お客さまのせいではありません。数分後にもう一度お試しください。
nothing-shared = お客さまの情報は何も渡されていません。
try-again = もう一度試す
reference = 参照番号

expired-heading = このリンクは期限切れです
expired-lead = 安全のため、ログイン用のリンクは短い時間だけ使えます。チャットで新しいリンクを依頼してください。
cancelled-heading = このリンクは取り消されました
cancelled-lead = もう使えません。必要な場合は、チャットで新しいリンクを依頼してください。
superseded-heading = 新しいリンクがあります
superseded-lead = チャットにある最新のログインメッセージをお使いください。
done-heading = このリンクは使用済みです
done-lead = ログインは完了しています。このページを閉じて、チャットを続けてください。
unknown-heading = このページはありません
unknown-lead = リンクの一部が欠けているかもしれません。チャットからもう一度開くか、新しいリンクを依頼してください。
neutral-heading = このログインは続けられません
neutral-lead = チャットに戻り、リンクをもう一度開いてください。それでもうまくいかない場合は、新しいリンクを依頼してください。
wrong-host-heading = ここには何もありません
wrong-host-lead = このアドレスに該当する会社はありません。リンクをご確認ください。
forbidden-heading = リンクから始めてください
forbidden-lead = この操作は当ページから始まっていません。チャットからリンクをもう一度開いてください。
too-many-heading = 試行回数が多すぎます
too-many-lead = 少し待ってから、もう一度お試しください。
too-often-heading = このリンクは開かれた回数が多すぎます
too-often-lead = チャットで新しいリンクを依頼してください。
unavailable-heading = まもなく再開します
unavailable-lead = ただいまログインを利用できません。1分後にもう一度お試しください。
method-heading = このページではその操作はできません
method-lead = チャットからリンクをもう一度開いてください。
too-large-heading = 大きすぎます
too-large-lead = 受け付けられる大きさを超えています。チャットからリンクをもう一度開いてください。

letter-subject = { $tenant } のログインコード
letter-lead = このコードを、依頼した画面に入力して { $tenant } にログインしてください。
letter-good = 有効期限は { $minutes } 分間で、使えるのは一度だけです。
letter-warning = { $tenant } がこのコードをお尋ねすることはありません。電話やメッセージで尋ねられても、決して教えないでください。
letter-unasked = お心当たりがない場合は、何もする必要はありません。コードがなければ誰もログインできません。

consent-heading = { $app }にログイン
consent-lead = { $tenant }のアカウントでログインしてください。{ $app }は、ここに書かれた範囲でのみお客様に代わって操作します。
consent-asks = { $app }ができること
consent-return = その後{ $host }に戻ります。パスワードが知られることはありません。
consent-provider = { $provider }で続ける
consent-cancel = キャンセル
scope-openid = お客様が誰であるかを知る
scope-profile = お名前と言語を見る
scope-email = メールアドレスを見る
scope-phone = 電話番号を見る
scope-offline = ログインしたままにする
scope-read-profile = プロフィール全体とログイン方法を見る
scope-write-profile = プロフィールとログイン方法を変更する
scope-other = 権限{ $scope }を使う
app-unknown-heading = このログインは開始できません
app-unknown-lead = ここへ案内したアプリは登録されていないか、別のアドレスへの返答を求めています。お客様の情報は一切渡されていません。アプリに戻ってもう一度お試しください。
emailed-send = コードを送る
emailed-heading = コードを入力
emailed-lead = { $address }でログインできる場合、6桁の数字をお送りしました。{ $minutes }分間有効です。
emailed-code = コード
emailed-no-address = メールアドレスではありません。
emailed-wrong = コードが違います。残りの回数: { $left }
emailed-over = このコードはもう使えません。新しいコードを請求してください。

preview = サインインしてチャットを続ける
inapp-heading = このページをブラウザで開いてください
inapp-lead = { $provider } はアプリ内でのサインインを受け付けないことがあります。このページをお使いの端末のブラウザで開いてください。
inapp-open = ブラウザで開く
inapp-how = または、この画面のメニューから「ブラウザで開く」を選ぶか、次のアドレスをブラウザにコピーしてください。
inapp-address = このページのアドレス
inapp-anyway = このまま試す

card-window = 新しいウィンドウで開きます
card-opened = もう一方のウィンドウで続けてください。
card-blocked = ブラウザがウィンドウを開けませんでした。
card-page = サインインページを開く
card-code = 最後の手順です。サインインページのコードをこのチャットに送信してください。
card-done = サインインしました。
card-again = うまくいきませんでした。もう一度お試しください。
card-over = このサインインは終了しました。チャットで新しいものを依頼してください。

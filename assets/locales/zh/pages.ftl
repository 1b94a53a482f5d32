# 客户看到的文字。

channel-name = { $channel ->
    [webchat] 网页聊天
    [email] 电子邮件
   *[other] { $label }
}

field-email = 电子邮箱
field-name = 姓名
field-phone = 电话号码
field-user-name = 用户名
field-user-id = 客户编号
field-locale = 语言
field-other = 您账户中的其他信息

until-minutes = { $clock }(UTC),还有 { $minutes } 分钟
until-hours = { $clock }(UTC),还有 { $hours } 小时
until-days = { $date } { $clock }(UTC)

landing-heading = 登录 { $tenant }
landing-lead = 您在聊天中收到了此链接。登录即向 { $tenant } 证明确实是您本人。
landing-facts = 关于此次登录
landing-chat = 您的聊天
landing-provider = 登录地点
landing-shares = { $tenant } 将收到
landing-shares-nothing = 仅您已登录这一事实
landing-expires = 此链接有效期至
landing-password = 请只在 { $host } 输入密码,切勿在聊天中输入。
landing-continue = 继续
landing-unasked = 如果这不是您要求的,请关闭此页面。
landing-decline = 这不是我

decline-heading = 要停止此次登录吗?
decline-lead = 链接将失效,并且 { $tenant } 会得知这不是您要求的。
decline-confirm = 是的,这不是我
decline-back = 返回
declined-heading = 此次登录已停止
declined-lead = 链接已失效,您的任何信息均未被传递。您可以关闭此页面。

completed-heading = 您已登录
completed-lead = { $tenant } 现在知道是您本人。您可以继续聊天并关闭此页面。
back-to-chat = 返回聊天
away-heading = 马上就好
away-lead = 请返回聊天。聊天确认是您本人后,{ $tenant } 就会知道。
away-failed-heading = 此次登录未成功
away-failed-lead = 请返回聊天。您可以在那里再次登录,或索取新消息。

provisional-heading = 最后一步
provisional-lead = 请在您提出请求的聊天中发送此代码。切勿在其他地方输入。
provisional-code = 您的代码
provisional-spelled = 逐个字符:{ $letters }
provisional-until = 代码有效期至
provisional-warning = 发送此代码的人将被视为您本人。请勿告诉任何给您打电话或在别处给您写信的人。

working-heading = 请稍候
working-lead = 正在完成您的登录。此页面会自动刷新。

denied-heading = 您没有登录
denied-lead = 您在 { $provider } 选择了拒绝。没有关系:您的任何信息均未被传递。
late-heading = 时间过长
late-lead = 您在 { $provider } 的登录已失效。请再试一次。
busy-heading = { $provider } 没有响应
busy-lead = 这不是您的问题。请等待几分钟后再试。
setup-heading = 登录功能出现故障
setup-lead = 这不是您的问题,重试也无济于事。请在聊天中将下面的参考编号告诉 { $tenant }。
missing-heading = 缺少一项信息
missing-lead = 您在 { $provider } 的账户缺少 { $tenant } 所需的一项信息。请在聊天中告知下面的参考编号。
unconfirmed-heading = 代码已过期
unconfirmed-lead = 代码未能及时在聊天中发送。您可以再次登录以获取新代码。
spent-heading = 错误代码过多
spent-lead = 为了您的安全,此次登录已停止。您可以再次登录以获取新代码。
voided-heading = 您已再次登录
voided-lead = 较新的登录已取代此次登录。请使用较新页面上的代码。
interrupted-heading = 您的登录被中断
interrupted-lead = 我们在中途被打断了。请再试一次。
ours-heading = 出了点问题
ours-lead = 这是我们的问题,不是您的。请几分钟后再试。
nothing-shared = 您的任何信息均未被传递。
try-again = 再试一次
reference = 参考编号

expired-heading = 此链接已过期
expired-lead = 为了您的安全,登录链接仅在短时间内有效。请在聊天中索取新链接。
cancelled-heading = 此链接已被撤回
cancelled-lead = 它已无法使用。如果您仍然需要,请在聊天中索取新链接。
superseded-heading = 有更新的链接
superseded-lead = 请使用聊天中最新的登录消息。
done-heading = 此链接已被使用
done-lead = 登录已完成。您可以继续聊天并关闭此页面。
unknown-heading = 此页面不存在
unknown-lead = 链接可能缺少一部分。请从聊天中再次打开,或索取新链接。
neutral-heading = 此次登录无法继续
neutral-lead = 请返回聊天并再次打开链接。如果仍然不行,请索取新链接。
wrong-host-heading = 这里什么都没有
wrong-host-lead = 此地址没有任何企业。请检查链接。
forbidden-heading = 请从链接开始
forbidden-lead = 此步骤不是从我们的页面开始的。请从聊天中再次打开链接。
too-many-heading = 尝试次数过多
too-many-lead = 请稍候再试。
too-often-heading = 此链接打开次数过多
too-often-lead = 请在聊天中索取新链接。
unavailable-heading = 我们马上回来
unavailable-lead = 登录暂时不可用。请一分钟后再试。
method-heading = 此页面无法执行该操作
method-lead = 请从聊天中再次打开链接。
too-large-heading = 内容过大
too-large-lead = 请求超出了我们接受的大小。请从聊天中再次打开链接。

letter-subject = 您的 { $tenant } 登录代码
letter-lead = 请在您提出请求的地方输入此代码,以登录 { $tenant }。
letter-good = 代码在 { $minutes } 分钟内有效,且只能使用一次。
letter-warning = { $tenant } 的任何人都不会向您索要此代码。请勿告诉任何给您打电话或写信的人。
letter-unasked = 如果这不是您要求的,您无需做任何事:没有代码,谁也无法登录。

consent-heading = 登录 { $app }
consent-lead = 请使用您在 { $tenant } 的账户登录。之后 { $app } 仅凭此处所列内容代您操作。
consent-asks = { $app } 可以
consent-return = 之后您将返回 { $host }。它永远看不到您的密码。
consent-provider = 使用 { $provider } 继续
consent-cancel = 取消
scope-openid = 知道您是谁
scope-profile = 查看您的姓名和语言
scope-email = 查看您的电子邮件地址
scope-phone = 查看您的电话号码
scope-offline = 让您保持登录
scope-read-profile = 查看您的完整个人资料和登录方式
scope-write-profile = 更改您的个人资料和登录方式
scope-other = 使用权限 { $scope }
app-unknown-heading = 无法开始此登录
app-unknown-lead = 把您带到这里的应用未知，或要求在不属于它的地址接收答复。没有传递任何关于您的信息。请返回应用重试。
emailed-send = 给我发送验证码
emailed-heading = 输入验证码
emailed-lead = 如果您可以用 { $address } 登录，六位数字正在发送途中，{ $minutes } 分钟内有效。
emailed-code = 验证码
emailed-no-address = 这不是电子邮件地址。
emailed-wrong = 验证码不正确。剩余次数：{ $left }
emailed-over = 此验证码已失效。请重新获取。

preview = 登录以继续聊天
inapp-heading = 请在浏览器中打开此页面
inapp-lead = { $provider } 可能拒绝在应用内登录。请在手机自带的浏览器中打开此页面。
inapp-open = 在浏览器中打开
inapp-how = 或者在此窗口的菜单中选择“在浏览器中打开”，也可以将此地址复制到浏览器：
inapp-address = 此页面的地址
inapp-anyway = 仍在此处尝试

card-window = 在新窗口中打开
card-opened = 请在另一个窗口中继续。
card-blocked = 您的浏览器阻止了窗口打开。
card-page = 打开登录页面
card-code = 最后一步：将登录页面上的验证码作为消息发送到此聊天。
card-done = 您已登录。
card-again = 未能成功，请重试。
card-over = 此次登录已结束。请在聊天中索取新的登录。

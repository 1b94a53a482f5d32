# What customers read. One file per language; every file has the same messages with the same variables.

channel-name = { $channel ->
    [webchat] Web chat
    [email] Email
   *[other] { $label }
}

field-email = Email
field-name = Name
field-phone = Phone number
field-user-name = User name
field-user-id = Customer number
field-locale = Language
field-other = Further details of your account

until-minutes = { $minutes ->
    [one] { $clock } UTC, for one more minute
   *[other] { $clock } UTC, for { $minutes } more minutes
}
until-hours = { $hours ->
    [one] { $clock } UTC, for one more hour
   *[other] { $clock } UTC, for { $hours } more hours
}
until-days = { $date }, { $clock } UTC

landing-heading = Sign in to { $tenant }
landing-lead = You were sent this link in a chat. By signing in you show { $tenant } that it is really you.
landing-facts = About this sign-in
landing-chat = Your chat
landing-provider = You will sign in at
landing-shares = { $tenant } will receive
landing-shares-nothing = Only that you signed in
landing-expires = This link works until
landing-password = Type your password only at { $host }, never in the chat.
landing-continue = Continue
landing-unasked = If you did not ask for this, close this page.
landing-decline = This wasn’t me

decline-heading = Stop this sign-in?
decline-lead = The link will stop working, and { $tenant } will be told that you did not ask for it.
decline-confirm = Yes, this wasn’t me
decline-back = Go back
declined-heading = This sign-in was stopped
declined-lead = The link no longer works, and nothing about you was passed on. You can close this page.

completed-heading = You are signed in
completed-lead = { $tenant } now knows that it is you. You can go on in the chat and close this page.
back-to-chat = Back to the chat
away-heading = One moment more
away-lead = Go back to the chat. As soon as the chat confirms that this was you, { $tenant } will know it.
away-failed-heading = This sign-in did not work
away-failed-lead = Go back to the chat. You can sign in once more there, or ask for a new message.

provisional-heading = One last step
provisional-lead = Send this code in the chat where you asked for it. Type it only there.
provisional-code = Your code
provisional-spelled = One by one: { $letters }
provisional-until = The code works until
provisional-warning = Whoever sends this code is taken to be you. Give it to nobody who calls you or writes to you elsewhere.

working-heading = One moment, please
working-lead = Your sign-in is being finished. This page refreshes itself.

denied-heading = You did not sign in
denied-lead = You said no at { $provider }. That is fine: nothing about you was passed on.
late-heading = That took too long
late-lead = Your sign-in at { $provider } is no longer valid. Please try once more.
busy-heading = { $provider } is not answering
busy-lead = This is not your fault. Please wait a few minutes and try again.
setup-heading = Sign-in is out of order
setup-lead = This is not your fault, and trying again will not help. Please tell { $tenant } in the chat, with the reference below.
missing-heading = A detail is missing
missing-lead = Your account at { $provider } lacks a detail that { $tenant } needs. Please tell them in the chat, with the reference below.
unconfirmed-heading = The code has run out
unconfirmed-lead = It was not sent in the chat in time. You can sign in once more for a new code.
spent-heading = Too many wrong codes
spent-lead = For your safety this sign-in was stopped. You can sign in once more for a new code.
voided-heading = You signed in again
voided-lead = A newer sign-in took the place of this one. Use the code of the newer page.
interrupted-heading = Your sign-in was interrupted
interrupted-lead = Something stopped us half-way. Please try once more.
ours-heading = Something went wrong
ours-lead = This is our fault, not yours. Please try again in a few minutes.
nothing-shared = Nothing about you was passed on.
try-again = Try again
reference = Reference

expired-heading = This link has expired
expired-lead = For your safety, sign-in links work for a short time only. Ask for a new one in the chat.
cancelled-heading = This link was taken back
cancelled-lead = It can no longer be used. If you still need it, ask for a new one in the chat.
superseded-heading = There is a newer link
superseded-lead = Please use the latest sign-in message in your chat.
done-heading = This link was used already
done-lead = The sign-in is complete. You can go on in the chat and close this page.
unknown-heading = This page does not exist
unknown-lead = Perhaps a part of the link is missing. Open it from the chat once more, or ask for a new one.
neutral-heading = This sign-in cannot go on
neutral-lead = Go back to the chat and open the link once more. If that does not help, ask for a new one.
wrong-host-heading = Nothing here
wrong-host-lead = No business is served at this address. Please check the link.
forbidden-heading = Please start from the link
forbidden-lead = This step was not begun on our page. Open the link from the chat once more.
too-many-heading = Too many attempts
too-many-lead = Please wait a moment and try again.
too-often-heading = This link was opened too often
too-often-lead = Ask for a new one in the chat.
unavailable-heading = We will be right back
unavailable-lead = Sign-in is not available just now. Please try again in a minute.
method-heading = This page cannot do that
method-lead = Please open the link from the chat once more.
too-large-heading = That was too much
too-large-lead = The request was larger than we accept. Please open the link from the chat once more.

letter-subject = Your sign-in code for { $tenant }
letter-lead = Type this code where you asked for it, to sign in to { $tenant }.
letter-good = It is good for { $minutes } minutes, and once.
letter-warning = Nobody at { $tenant } will ever ask you for this code. Give it to nobody who calls you or writes to you.
letter-unasked = If you did not ask for it, do nothing: without the code nobody gets in.

consent-heading = Sign in to { $app }
consent-lead = Sign in with your account at { $tenant }. { $app } then acts for you, with what stands here and nothing else.
consent-asks = { $app } may
consent-return = Afterwards you return to { $host }. It never sees your password.
consent-provider = Continue with { $provider }
consent-cancel = Cancel
scope-openid = Know who you are
scope-profile = See your name and language
scope-email = See your email address
scope-phone = See your phone number
scope-offline = Keep you signed in
scope-read-profile = See your whole profile and how you sign in
scope-write-profile = Change your profile and how you sign in
scope-other = Use the permission { $scope }
app-unknown-heading = This sign-in cannot begin
app-unknown-lead = The app that sent you here is not known, or wants its answer at an address that is not its own. Nothing about you was passed on. Go back to the app and try again.
emailed-send = Send me a code
emailed-heading = Type your code
emailed-lead = If you can sign in with { $address }, six digits are on their way there. They are good for { $minutes } minutes.
emailed-code = Code
emailed-no-address = This is no email address.
emailed-wrong = That is not the code. Tries left: { $left }
emailed-over = This code is no longer good. Ask for a new one.

preview = Sign in to continue your chat
inapp-heading = Open this page in your browser
inapp-lead = { $provider } may refuse to sign you in inside of an app. Open this page in your phone’s own browser.
inapp-open = Open in the browser
inapp-how = Or choose “Open in browser” in the menu of this window, or copy this address into your browser:
inapp-address = Address of this page
inapp-anyway = Try it here anyway

card-window = opens in a new window
card-opened = Please go on in the other window.
card-blocked = Your browser has kept the window from opening.
card-page = Open the sign-in page
card-code = One last step: send the code of the sign-in page as a message in this chat.
card-done = You are signed in.
card-again = That did not work. Please try again.
card-over = This sign-in is over. Ask for a new one in the chat.

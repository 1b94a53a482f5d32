# מה שהלקוחות קוראים.

channel-name = { $channel ->
    [webchat] צ׳אט באתר
    [email] דואר אלקטרוני
   *[other] { $label }
}

field-email = כתובת דואר אלקטרוני
field-name = שם
field-phone = מספר טלפון
field-user-name = שם משתמש
field-user-id = מספר לקוח
field-locale = שפה
field-other = פרטים נוספים מהחשבון שלך

until-minutes = { $minutes ->
    [one] { $clock } UTC, נותרה דקה אחת
    [two] { $clock } UTC, נותרו שתי דקות
   *[other] { $clock } UTC, נותרו { $minutes } דקות
}
until-hours = { $hours ->
    [one] { $clock } UTC, נותרה שעה אחת
    [two] { $clock } UTC, נותרו שעתיים
   *[other] { $clock } UTC, נותרו { $hours } שעות
}
until-days = { $date }, { $clock } UTC

landing-heading = כניסה אל { $tenant }
landing-lead = הקישור הזה נשלח אליך בצ׳אט. הכניסה מראה ל־{ $tenant } שזה באמת מי שצריך להיות.
landing-facts = על הכניסה הזאת
landing-chat = הצ׳אט שלך
landing-provider = הכניסה תתבצע אצל
landing-shares = מה יועבר אל { $tenant }
landing-shares-nothing = רק שהכניסה בוצעה
landing-expires = הקישור תקף עד
landing-password = יש להקליד את הסיסמה רק ב־{ $host }, ואף פעם לא בצ׳אט.
landing-continue = המשך
landing-unasked = אם לא ביקשת זאת, יש לסגור את הדף.
landing-decline = זה לא הייתי אני

decline-heading = לעצור את הכניסה?
decline-lead = הקישור יפסיק לפעול, ול־{ $tenant } ייאמר שלא ביקשת אותו.
decline-confirm = כן, זה לא הייתי אני
decline-back = חזרה
declined-heading = הכניסה נעצרה
declined-lead = הקישור אינו פועל עוד, ודבר עליך לא הועבר. אפשר לסגור את הדף.

completed-heading = הכניסה הצליחה
completed-lead = עכשיו { $tenant } יודעים שזה באמת מי שצריך להיות. אפשר להמשיך בצ׳אט ולסגור את הדף.
back-to-chat = חזרה לצ׳אט
away-heading = עוד רגע
away-lead = יש לחזור לצ׳אט. ברגע שהצ׳אט יאשר שזה באמת מי שצריך להיות, { $tenant } ידעו זאת.
away-failed-heading = הכניסה הזאת לא הצליחה
away-failed-lead = יש לחזור לצ׳אט. אפשר להיכנס שם שוב או לבקש הודעה חדשה.

provisional-heading = עוד צעד אחד
provisional-lead = יש לשלוח את הקוד הזה בצ׳אט שבו ביקשת אותו. אין להקליד אותו בשום מקום אחר.
provisional-code = הקוד שלך
provisional-spelled = תו אחר תו: { $letters }
provisional-until = הקוד תקף עד
provisional-warning = מי ששולח את הקוד הזה ייחשב לך. אין למסור אותו לאיש שמתקשר או כותב אליך במקום אחר.

working-heading = רק רגע
working-lead = הכניסה שלך מסתיימת. הדף יתרענן מעצמו.

denied-heading = לא נכנסת
denied-lead = סירבת אצל { $provider }. זה בסדר גמור: דבר עליך לא הועבר.
late-heading = זה לקח יותר מדי זמן
late-lead = הכניסה שלך אצל { $provider } אינה תקפה עוד. נא לנסות שוב.
busy-heading = אין תשובה מ־{ $provider }
busy-lead = זו לא אשמתך. נא להמתין כמה דקות ולנסות שוב.
setup-heading = הכניסה אינה פועלת
setup-lead = זו לא אשמתך, וניסיון נוסף לא יעזור. נא למסור ל־{ $tenant } בצ׳אט את מספר הפנייה שלמטה.
missing-heading = חסר פרט
missing-lead = בחשבון שלך אצל { $provider } חסר פרט הנחוץ ל־{ $tenant }. נא למסור בצ׳אט את מספר הפנייה שלמטה.
unconfirmed-heading = תוקף הקוד פג
unconfirmed-lead = הוא לא נשלח בצ׳אט בזמן. אפשר להיכנס שוב ולקבל קוד חדש.
spent-heading = יותר מדי קודים שגויים
spent-lead = למען בטחונך הכניסה נעצרה. אפשר להיכנס שוב ולקבל קוד חדש.
voided-heading = נכנסת שוב
voided-lead = כניסה חדשה יותר באה במקום הזאת. יש להשתמש בקוד שבדף החדש יותר.
interrupted-heading = הכניסה הופסקה
interrupted-lead = משהו עצר אותנו באמצע. נא לנסות שוב.
ours-heading = משהו השתבש
ours-lead = האשמה שלנו, לא שלך. נא לנסות שוב בעוד כמה דקות.
nothing-shared = דבר עליך לא הועבר.
try-again = ניסיון נוסף
reference = מספר פנייה

expired-heading = תוקף הקישור פג
expired-lead = למען בטחונך קישורי כניסה פועלים זמן קצר בלבד. אפשר לבקש חדש בצ׳אט.
cancelled-heading = הקישור בוטל
cancelled-lead = אי אפשר עוד להשתמש בו. אם הוא עדיין נחוץ, אפשר לבקש חדש בצ׳אט.
superseded-heading = יש קישור חדש יותר
superseded-lead = יש להשתמש בהודעת הכניסה האחרונה בצ׳אט.
done-heading = הקישור כבר שימש
done-lead = הכניסה הושלמה. אפשר להמשיך בצ׳אט ולסגור את הדף.
unknown-heading = הדף הזה אינו קיים
unknown-lead = אולי חסר חלק מהקישור. אפשר לפתוח אותו שוב מהצ׳אט או לבקש חדש.
neutral-heading = אי אפשר להמשיך בכניסה הזאת
neutral-lead = יש לחזור לצ׳אט ולפתוח את הקישור שוב. אם זה לא עוזר, אפשר לבקש חדש.
wrong-host-heading = אין כאן דבר
wrong-host-lead = אין עסק בכתובת הזאת. נא לבדוק את הקישור.
forbidden-heading = נא להתחיל מהקישור
forbidden-lead = הצעד הזה לא התחיל בדף שלנו. יש לפתוח את הקישור שוב מהצ׳אט.
too-many-heading = יותר מדי ניסיונות
too-many-lead = נא להמתין רגע ולנסות שוב.
too-often-heading = הקישור הזה נפתח יותר מדי פעמים
too-often-lead = אפשר לבקש חדש בצ׳אט.
unavailable-heading = תכף נחזור
unavailable-lead = הכניסה אינה זמינה כרגע. נא לנסות שוב בעוד דקה.
method-heading = הדף הזה אינו יכול לעשות זאת
method-lead = נא לפתוח את הקישור שוב מהצ׳אט.
too-large-heading = זה היה יותר מדי
too-large-lead = הבקשה גדולה ממה שאנו מקבלים. נא לפתוח את הקישור שוב מהצ׳אט.

letter-subject = קוד הכניסה שלך אל { $tenant }
letter-lead = יש להקליד את הקוד הזה במקום שבו ביקשת אותו כדי להיכנס אל { $tenant }.
letter-good = הקוד תקף למשך { $minutes } דקות ולשימוש אחד בלבד.
letter-warning = איש מ־{ $tenant } לא יבקש ממך את הקוד הזה לעולם. אין למסור אותו לאיש שמתקשר או כותב אליך.
letter-unasked = אם לא ביקשת אותו, אין צורך לעשות דבר: בלי הקוד איש לא יוכל להיכנס.

consent-heading = כניסה אל { $app }
consent-lead = היכנסו עם החשבון שלכם אצל { $tenant }. לאחר מכן { $app } פועל בשמכם, עם מה שכתוב כאן בלבד.
consent-asks = { $app } רשאי
consent-return = לאחר מכן תחזרו אל { $host }. הסיסמה שלכם לעולם אינה נראית שם.
consent-provider = המשך עם { $provider }
consent-cancel = ביטול
scope-openid = לדעת מי אתם
scope-profile = לראות את שמכם ושפתכם
scope-email = לראות את כתובת הדוא״ל שלכם
scope-phone = לראות את מספר הטלפון שלכם
scope-offline = להשאיר אתכם מחוברים
scope-read-profile = לראות את כל הפרופיל שלכם ואת דרכי ההתחברות שלכם
scope-write-profile = לשנות את הפרופיל שלכם ואת דרכי ההתחברות שלכם
scope-other = להשתמש בהרשאה { $scope }
app-unknown-heading = הכניסה הזאת אינה יכולה להתחיל
app-unknown-lead = היישום ששלח אתכם לכאן אינו מוכר, או מבקש תשובה בכתובת שאינה שלו. דבר עליכם לא נמסר. חזרו ליישום ונסו שוב.
emailed-send = שלחו לי קוד
emailed-heading = הקלידו את הקוד
emailed-lead = אם אפשר להיכנס עם { $address }, שש ספרות בדרך לשם. הן תקפות { $minutes } דקות.
emailed-code = קוד
emailed-no-address = זו אינה כתובת דוא״ל.
emailed-wrong = זה אינו הקוד. ניסיונות שנותרו: { $left }
emailed-over = הקוד הזה אינו תקף עוד. בקשו קוד חדש.

preview = היכנסו כדי להמשיך בצ׳אט
inapp-heading = פתחו את הדף הזה בדפדפן
inapp-lead = { $provider } עלול לסרב לכניסה מתוך אפליקציה. פתחו את הדף הזה בדפדפן של הטלפון.
inapp-open = פתיחה בדפדפן
inapp-how = או בחרו „פתיחה בדפדפן” בתפריט של חלון זה, או העתיקו את הכתובת הזו לדפדפן:
inapp-address = כתובת הדף
inapp-anyway = לנסות כאן בכל זאת

card-window = נפתח בחלון חדש
card-opened = המשיכו בחלון האחר.
card-blocked = הדפדפן מנע את פתיחת החלון.
card-page = פתיחת דף הכניסה
card-code = שלב אחרון: שלחו את הקוד מדף הכניסה כהודעה בצ׳אט הזה.
card-done = נכנסתם.
card-again = זה לא הצליח. נסו שוב.
card-over = הכניסה הזו הסתיימה. בקשו חדשה בצ׳אט.

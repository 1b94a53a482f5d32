# ما يقرؤه العملاء.

channel-name = { $channel ->
    [webchat] دردشة الموقع
    [email] البريد الإلكتروني
   *[other] { $label }
}

field-email = البريد الإلكتروني
field-name = الاسم
field-phone = رقم الهاتف
field-user-name = اسم المستخدم
field-user-id = رقم العميل
field-locale = اللغة
field-other = بيانات أخرى من حسابك

until-minutes = { $minutes ->
    [zero] { $clock } بالتوقيت العالمي، انتهى الوقت
    [one] { $clock } بالتوقيت العالمي، بقيت دقيقة واحدة
    [two] { $clock } بالتوقيت العالمي، بقيت دقيقتان
    [few] { $clock } بالتوقيت العالمي، بقيت { $minutes } دقائق
   *[other] { $clock } بالتوقيت العالمي، بقيت { $minutes } دقيقة
}
until-hours = { $hours ->
    [one] { $clock } بالتوقيت العالمي، بقيت ساعة واحدة
    [two] { $clock } بالتوقيت العالمي، بقيت ساعتان
    [few] { $clock } بالتوقيت العالمي، بقيت { $hours } ساعات
   *[other] { $clock } بالتوقيت العالمي، بقيت { $hours } ساعة
}
until-days = { $date }، { $clock } بالتوقيت العالمي

landing-heading = تسجيل الدخول إلى { $tenant }
landing-lead = وصلك هذا الرابط في محادثة. بتسجيل الدخول تثبت لدى { $tenant } أنك أنت حقًا.
landing-facts = عن عملية الدخول هذه
landing-chat = محادثتك
landing-provider = ستسجّل الدخول لدى
landing-shares = ما سيصل إلى { $tenant }
landing-shares-nothing = أنك سجّلت الدخول فقط
landing-expires = هذا الرابط صالح حتى
landing-password = اكتب كلمة المرور في { $host } فقط، ولا تكتبها في المحادثة أبدًا.
landing-continue = متابعة
landing-unasked = إذا لم تطلب ذلك فأغلق هذه الصفحة.
landing-decline = لم أكن أنا

decline-heading = هل تريد إيقاف عملية الدخول؟
decline-lead = سيتوقف الرابط عن العمل، وسيعلم { $tenant } أنك لم تطلبه.
decline-confirm = نعم، لم أكن أنا
decline-back = رجوع
declined-heading = أُوقفت عملية الدخول
declined-lead = لم يعد الرابط يعمل، ولم يُنقل أي شيء عنك. يمكنك إغلاق هذه الصفحة.

completed-heading = تم تسجيل الدخول
completed-lead = أصبح { $tenant } يعلم أنك أنت. يمكنك متابعة المحادثة وإغلاق هذه الصفحة.
back-to-chat = العودة إلى المحادثة
away-heading = لحظة أخرى
away-lead = عد إلى المحادثة. ما إن تؤكد المحادثة أنك أنت حتى يعلم { $tenant } بذلك.
away-failed-heading = لم ينجح تسجيل الدخول هذا
away-failed-lead = عد إلى المحادثة. يمكنك هناك تسجيل الدخول مرة أخرى أو طلب رسالة جديدة.

provisional-heading = خطوة أخيرة
provisional-lead = أرسل هذا الرمز في المحادثة التي طلبته فيها. لا تكتبه في أي مكان آخر.
provisional-code = رمزك
provisional-spelled = حرفًا حرفًا: { $letters }
provisional-until = الرمز صالح حتى
provisional-warning = من يرسل هذا الرمز يُعدّ أنت. لا تعطه لأي شخص يتصل بك أو يراسلك في مكان آخر.

working-heading = لحظة من فضلك
working-lead = جارٍ إكمال تسجيل الدخول. تُحدَّث هذه الصفحة تلقائيًا.

denied-heading = لم تسجّل الدخول
denied-lead = لقد رفضت لدى { $provider }. لا بأس بذلك: لم يُنقل أي شيء عنك.
late-heading = استغرق ذلك وقتًا طويلًا
late-lead = لم يعد دخولك لدى { $provider } صالحًا. حاول مرة أخرى من فضلك.
busy-heading = لا توجد استجابة من { $provider }
busy-lead = ليس هذا خطأك. انتظر بضع دقائق ثم حاول مرة أخرى.
setup-heading = تسجيل الدخول معطّل
setup-lead = ليس هذا خطأك، ولن تفيد المحاولة مرة أخرى. أخبر { $tenant } في المحادثة واذكر الرقم المرجعي أدناه.
missing-heading = توجد معلومة ناقصة
missing-lead = تنقص حسابك لدى { $provider } معلومة يحتاج إليها { $tenant }. أخبرهم في المحادثة واذكر الرقم المرجعي أدناه.
unconfirmed-heading = انتهت صلاحية الرمز
unconfirmed-lead = لم يُرسل في المحادثة في الوقت المحدد. يمكنك تسجيل الدخول مرة أخرى للحصول على رمز جديد.
spent-heading = رموز خاطئة كثيرة
spent-lead = أُوقفت عملية الدخول حفاظًا على أمانك. يمكنك تسجيل الدخول مرة أخرى للحصول على رمز جديد.
voided-heading = سجّلت الدخول مرة أخرى
voided-lead = حلّت عملية دخول أحدث محل هذه. استخدم الرمز الظاهر في الصفحة الأحدث.
interrupted-heading = انقطعت عملية الدخول
interrupted-lead = أوقفنا شيء ما في منتصف الطريق. حاول مرة أخرى من فضلك.
ours-heading = حدث خطأ ما
ours-lead = الخطأ منا وليس منك. حاول مرة أخرى بعد بضع دقائق.
nothing-shared = لم يُنقل أي شيء عنك.
try-again = المحاولة مرة أخرى
reference = الرقم المرجعي

expired-heading = انتهت صلاحية هذا الرابط
expired-lead = حفاظًا على أمانك تعمل روابط الدخول لوقت قصير. اطلب رابطًا جديدًا في المحادثة.
cancelled-heading = سُحب هذا الرابط
cancelled-lead = لم يعد استخدامه ممكنًا. إذا كنت ما زلت تحتاج إليه فاطلب رابطًا جديدًا في المحادثة.
superseded-heading = يوجد رابط أحدث
superseded-lead = استخدم أحدث رسالة دخول في محادثتك.
done-heading = استُخدم هذا الرابط من قبل
done-lead = اكتمل تسجيل الدخول. يمكنك متابعة المحادثة وإغلاق هذه الصفحة.
unknown-heading = هذه الصفحة غير موجودة
unknown-lead = ربما ينقص جزء من الرابط. افتحه مرة أخرى من المحادثة أو اطلب رابطًا جديدًا.
neutral-heading = لا يمكن متابعة عملية الدخول
neutral-lead = عد إلى المحادثة وافتح الرابط مرة أخرى. إذا لم ينفع ذلك فاطلب رابطًا جديدًا.
wrong-host-heading = لا شيء هنا
wrong-host-lead = لا توجد شركة على هذا العنوان. تحقق من الرابط من فضلك.
forbidden-heading = ابدأ من الرابط من فضلك
forbidden-lead = لم تبدأ هذه الخطوة من صفحتنا. افتح الرابط مرة أخرى من المحادثة.
too-many-heading = محاولات كثيرة جدًا
too-many-lead = انتظر لحظة ثم حاول مرة أخرى.
too-often-heading = فُتح هذا الرابط مرات كثيرة جدًا
too-often-lead = اطلب رابطًا جديدًا في المحادثة.
unavailable-heading = سنعود حالًا
unavailable-lead = تسجيل الدخول غير متاح الآن. حاول مرة أخرى بعد دقيقة.
method-heading = لا تستطيع هذه الصفحة فعل ذلك
method-lead = افتح الرابط مرة أخرى من المحادثة.
too-large-heading = كان ذلك كبيرًا جدًا
too-large-lead = الطلب أكبر مما نقبله. افتح الرابط مرة أخرى من المحادثة.

letter-subject = رمز تسجيل الدخول إلى { $tenant }
letter-lead = اكتب هذا الرمز حيث طلبته لتسجيل الدخول إلى { $tenant }.
letter-good = الرمز صالح لمدة { $minutes } دقائق ولمرة واحدة فقط.
letter-warning = لن يطلب منك أحد من { $tenant } هذا الرمز أبدًا. لا تعطه لأي شخص يتصل بك أو يراسلك.
letter-unasked = إذا لم تطلبه فلا تفعل شيئًا: بدون الرمز لا يستطيع أحد الدخول.

consent-heading = تسجيل الدخول إلى { $app }
consent-lead = سجّل الدخول بحسابك لدى { $tenant }. بعد ذلك يتصرف { $app } نيابة عنك بما هو مذكور هنا فقط.
consent-asks = يمكن لـ { $app }
consent-return = ثم تعود إلى { $host }. لن يرى كلمة مرورك أبدًا.
consent-provider = المتابعة عبر { $provider }
consent-cancel = إلغاء
scope-openid = معرفة من أنت
scope-profile = رؤية اسمك ولغتك
scope-email = رؤية بريدك الإلكتروني
scope-phone = رؤية رقم هاتفك
scope-offline = إبقاؤك مسجّل الدخول
scope-read-profile = رؤية ملفك الشخصي كاملًا وطرق تسجيل دخولك
scope-write-profile = تغيير ملفك الشخصي وطرق تسجيل دخولك
scope-other = استخدام الإذن { $scope }
app-unknown-heading = لا يمكن بدء تسجيل الدخول هذا
app-unknown-lead = التطبيق الذي أرسلك إلى هنا غير معروف، أو يريد الرد على عنوان ليس له. لم يُنقل أي شيء عنك. عد إلى التطبيق وحاول مرة أخرى.
emailed-send = أرسل لي رمزًا
emailed-heading = اكتب الرمز
emailed-lead = إذا كان بإمكانك تسجيل الدخول بـ { $address } فستصل إليه ستة أرقام. وهي صالحة لمدة { $minutes } دقيقة.
emailed-code = الرمز
emailed-no-address = هذا ليس بريدًا إلكترونيًا.
emailed-wrong = هذا ليس الرمز. المحاولات المتبقية: { $left }
emailed-over = لم يعد هذا الرمز صالحًا. اطلب رمزًا جديدًا.

preview = سجّل الدخول لمتابعة محادثتك
inapp-heading = افتح هذه الصفحة في متصفحك
inapp-lead = قد يرفض { $provider } تسجيل الدخول داخل تطبيق. افتح هذه الصفحة في متصفح هاتفك.
inapp-open = فتح في المتصفح
inapp-how = أو اختر «فتح في المتصفح» من قائمة هذه النافذة، أو انسخ هذا العنوان إلى متصفحك:
inapp-address = عنوان هذه الصفحة
inapp-anyway = المحاولة هنا على أي حال

card-window = يفتح في نافذة جديدة
card-opened = يرجى المتابعة في النافذة الأخرى.
card-blocked = منع متصفحك فتح النافذة.
card-page = فتح صفحة تسجيل الدخول
card-code = خطوة أخيرة: أرسل رمز صفحة تسجيل الدخول كرسالة في هذه المحادثة.
card-done = تم تسجيل دخولك.
card-again = لم ينجح ذلك. يرجى المحاولة مرة أخرى.
card-over = انتهى تسجيل الدخول هذا. اطلب واحدًا جديدًا في المحادثة.

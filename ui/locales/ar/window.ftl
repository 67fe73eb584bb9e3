# ما تقوله النافذة من نفسها. الأسماء هي أسماء `en/window.ftl`.

## Everywhere
adjourn = Adjourn
title = { $what } – Adjourn
help = مساعدة
language = اللغة
theme = الألوان
theme-system = كما في هذا الحاسوب
theme-light = فاتحة
theme-dark = داكنة
caption-size = حجم النص المكتوب
size-small = صغير
size-usual = عادي
size-large = كبير
size-largest = كبير جدًا
help-kept = ما يُقال محفوظ على هذا الحاسوب إلى أن يصل. الاتصال الذي ينقطع لحظة يعود من تلقاء نفسه. إذا أُطفئ الحاسوب، فافتح رابطك من جديد في أقرب وقت وستتابع من حيث كنت.
help-organiser = إذا لم يعمل شيء، فأخبر الجهة المنظِّمة التي أرسلت إليك الرابط. رقم إيصالك في النهاية يبيّن أي مقابلة كانت.
help-host = تُرسل مقابلتك إلى { $host }.
help-keys = المفاتيح
key-mute = Ctrl+M
key-escape = Esc
help-key-space = التكلّم أثناء الضغط، مع «الضغط للتكلّم»
key-space = مفتاح المسافة
help-key-mute = إغلاق الميكروفون أو تشغيله
help-key-escape = إغلاق سؤال؛ لا ينتهي شيء
about = Adjourn { $version }، برنامج حر برخصة Apache 2.0. تأتي رخص مكوّناته مع الحزمة.
problem-report = الإبلاغ عن مشكلة
problem-report-holds = فيما يلي كل ما سيحتويه الملف: ما عرضته النافذة، وأرقام، وخادم الجهة المنظِّمة، ورقم مقابلتك. لا اسم لأي شخص ولا رمز ولا شيء مما قيل.
problem-report-save = حفظ التقرير
not-taken = لم يُنفّذ ذلك. حاول مرة أخرى.

## Start
welcome = أهلًا بك
paste-link = الصق الرابط من دعوتك لكي تبدأ.
interview-link = رابط المقابلة
continue = متابعة
what-it-does = قبل أن تدخل، يمكنك فحص الميكروفون ومكبّر الصوت.

## The host
is-this-your-organiser = هل هذه هي الجهة المنظِّمة؟
new-server = يؤدي رابطك إلى خادم لم تستخدمه من قبل:
only-if-you-know-it = تابع فقط إذا كنت تعرفه من دعوتك. سيُرسل صوتك وإجاباتك إليه.
no-go-back = لا، رجوع
yes-continue = نعم، متابعة

## Device check
about-interview = عن هذه المقابلة
invited-begun = بدأت من قبل، وتستمر من حيث توقفت.
invited-by = الدعوة إلى هذه المقابلة من { $organiser }.
invited-length = { $minutes ->
    [one] تستغرق دقيقة واحدة على الأكثر.
    [two] تستغرق دقيقتين على الأكثر.
    [few] تستغرق { $minutes } دقائق على الأكثر.
    [many] تستغرق { $minutes } دقيقة على الأكثر.
   *[other] تستغرق { $minutes } دقيقة على الأكثر.
}
invited-interviewer = من يجري المقابلة صوت آلي: تحدث معه كما تتحدث مع إنسان.
need-adjustment = أحتاج إلى ترتيب خاص
adjustment-contact = لا تقرأ الجهة المنظِّمة ما تكتبه هنا إلا بعد المقابلة. ليصلها في الوقت المناسب، أخبرها الآن:
adjustment-no-contact = لا تقرأ الجهة المنظِّمة ما تكتبه هنا إلا بعد المقابلة. ليصلها في الوقت المناسب، أجب على رسالة الدعوة.
adjustment-what = ما الذي تحتاج إليه؟
adjustment-kept = ما تحتاج إليه محفوظ على هذا الحاسوب. سيُرسل مع مقابلتك.
adjustment-not-kept = لا يستطيع هذا الحاسوب حفظه. سيُرسل إذا دخلت الآن.
check-your-sound = افحص الصوت
check-your-sound-how = قل بضع كلمات وشغّل صوت الاختبار. يمكنك الدخول في أي وقت.
check-open = لم يُفحص بعد
check-good = جيد
check-warning = يمكن أن يكون أفضل
check-bad = لا يعمل
microphone = الميكروفون
microphone-level = مستوى الميكروفون
loudspeaker = مكبّر الصوت أو السماعات
loudspeaker-level = مستوى مكبّر الصوت
record-sample = سجّلني 3 ثوانٍ
recording-sample = تسجيل: تكلّم الآن…
playing-sample = يُشغَّل ما قلته…
heard-it = نعم، سمعتهما
heard-nothing = لا
connection = الطريق إلى غرفة المقابلة
try-connection-again = جرّب مرة أخرى
play-test-sound = شغّل صوت الاختبار
not-connected = الجهاز الذي اخترته (غير موصول)
sound = الصوت
sound-devices = الميكروفون ومكبّر الصوت
unmute-in-system = إلغاء الكتم
unmute-microphone = إلغاء كتم الميكروفون
unmute-loudspeaker = إلغاء كتم مكبّر الصوت
in-use = المستخدم الآن: { $device }
done = تم
look-again = البحث عن الأجهزة من جديد
other-link = استخدام رابط آخر
your-voice = صوتك
push-to-talk = الضغط للتكلّم: لا أُسمع إلا وأنا أضغط مفتاح المسافة
stage-echo = إزالة صدى مكبّر الصوت
stage-noise = خفض الضوضاء
stage-gain = رفع الصوت الخافت
technical-details = تفاصيل تقنية
no-figures = لا توجد أرقام قبل فتح جهاز.
verdict-open = مفتوح
verdict-good = جيد
verdict-warning = مقبول
verdict-bad = ضعيف
join = الدخول إلى المقابلة
join-waits = انتظر الموظفين من فضلك
join-ask-staff = يُرجى مراجعة الموظفين
try-again = حاول مرة أخرى
system-default = الجهاز الافتراضي في النظام
system-default-named = الجهاز الافتراضي في النظام ({ $device })

## Waiting
nobody-comes-minutes = { $minutes ->
        [one] إذا لم يأتِ أحد خلال دقيقة، ينتهي هذا من تلقاء نفسه.
        [two] إذا لم يأتِ أحد خلال دقيقتين، ينتهي هذا من تلقاء نفسه.
        [few] إذا لم يأتِ أحد خلال { $minutes } دقائق، ينتهي هذا من تلقاء نفسه.
       *[other] إذا لم يأتِ أحد خلال { $minutes } دقيقة، ينتهي هذا من تلقاء نفسه.
    }
nobody-comes-soon = إذا لم يأتِ أحد خلال دقيقة تقريبًا، ينتهي هذا من تلقاء نفسه.
leave = مغادرة
answer-wait = البقاء والانتظار

## Interview
seconds-reconnecting = { $seconds ->
        [one] إذا لم يعد خلال ثانية واحدة، تنتهي المقابلة هنا.
        [two] إذا لم يعد خلال ثانيتين، تنتهي المقابلة هنا.
        [few] إذا لم يعد خلال { $seconds } ثوانٍ، تنتهي المقابلة هنا.
       *[other] إذا لم يعد خلال { $seconds } ثانية، تنتهي المقابلة هنا.
    }
seconds-checking = { $seconds ->
        [one] سنعرف خلال ثانية واحدة على الأكثر.
        [two] سنعرف خلال ثانيتين على الأكثر.
        [few] سنعرف خلال { $seconds } ثوانٍ على الأكثر.
       *[other] سنعرف خلال { $seconds } ثانية على الأكثر.
    }
seconds-gone = { $seconds ->
        [one] إذا لم يعد أحد خلال ثانية واحدة، تنتهي المقابلة.
        [two] إذا لم يعد أحد خلال ثانيتين، تنتهي المقابلة.
        [few] إذا لم يعد أحد خلال { $seconds } ثوانٍ، تنتهي المقابلة.
       *[other] إذا لم يعد أحد خلال { $seconds } ثانية، تنتهي المقابلة.
    }
ends-unanswered = { $seconds ->
        [one] من دون إجابة، تنتهي المقابلة خلال ثانية واحدة.
        [two] من دون إجابة، تنتهي المقابلة خلال ثانيتين.
        [few] من دون إجابة، تنتهي المقابلة خلال { $seconds } ثوانٍ.
       *[other] من دون إجابة، تنتهي المقابلة خلال { $seconds } ثانية.
    }
text-size = حجم النص
switch-on = مشغّل · Ctrl+M
switch-off = مغلق · Ctrl+M
time-of = { $time } من { $minutes } دقيقة
there-is-time = هناك وقت
newest = الأحدث ↓
less-than-a-minute = بقي أقل من دقيقة.
minutes-left = { $minutes ->
        [one] بقيت دقيقة تقريبًا.
        [two] بقيت دقيقتان تقريبًا.
        [few] بقيت { $minutes } دقائق تقريبًا.
       *[other] بقيت { $minutes } دقيقة تقريبًا.
    }
hold-this = اضغط باستمرار لتتكلّم
end-interview = إنهاء المقابلة
conversation = الحديث
you = أنت
interviewer = المحاور
nothing-said = ما يُقال يظهر هنا.
it-is-over = انتهت
type-instead = الكتابة بدلًا من الكلام
type-answer = إجابتك
type-send = إرسال
repeat-question = إعادة السؤال
repeat-words = هل يمكنك إعادة السؤال من فضلك؟

## Ending it
end-it-question = هل تريد إنهاء المقابلة؟
end-it-meaning = ستنتهي المقابلة ويُرسل ما قيل. لا يمكنك الرجوع إليها.
go-on = متابعة المقابلة
end-it = إنهاء

## Closing the window
close-unsafe-question = هل تغلق مع أن مقابلتك ليست في أمان بعد؟
close-unsafe-meaning = لم يصل ما قلته إلى الجهة المنظِّمة، وليس محفوظًا على هذا الحاسوب. إذا أغلقت هذه النافذة الآن، فقد يضيع.
keep-open = إبقاء هذه النافذة مفتوحة
close-all-the-same = الإغلاق مع ذلك
close-again = إغلاق النافذة مرة أخرى يعني «{ $answer }».

## The end
wrapping-up = يجري الإنهاء…
being-saved = انتهت مقابلتك ويجري حفظها.
saving = يجري الحفظ
receipt = الإيصال
save-copy = حفظ نسخة للجهة المنظِّمة
save-receipt = حفظ الإيصال
microphone-is-off = مغلق
noticed = لوحظ هنا
how-we-know = كيف نعرف أنها انتهت
what-becomes-of-it = ما مصير مقابلتك
sending = يجري الإرسال
fact-interview = المقابلة
fact-ended = النهاية
fact-length = المدة
close = إغلاق

# Was das Fenster von sich aus sagt. Die Namen sind die von `en/window.ftl`.

## Everywhere
adjourn = Adjourn
title = { $what } – Adjourn
help = Hilfe
language = Sprache
theme = Farben
theme-system = Wie auf diesem Computer
theme-light = Hell
theme-dark = Dunkel
caption-size = Größe der Untertitel
size-small = Klein
size-usual = Normal
size-large = Groß
size-largest = Sehr groß
help-kept = Was gesagt wird, ist auf diesem Computer aufbewahrt, bis es angekommen ist. Eine Verbindung, die kurz abbricht, kommt von selbst zurück. Wenn der Computer ausgeht, öffnen Sie bald Ihren Link noch einmal, und es geht weiter, wo Sie waren.
help-organiser = Wenn etwas nicht funktioniert, sagen Sie es dem Veranstalter, der Ihnen den Link geschickt hat. An der Nummer Ihrer Quittung am Ende erkennt er das Interview.
help-host = Ihr Interview wird an { $host } gesendet.
help-keys = Tasten
key-mute = Strg+M
key-escape = Esc
help-key-space = Sprechen, solange sie gehalten wird (Sprechtaste)
key-space = Leertaste
help-key-mute = Das Mikrofon aus- oder einschalten
help-key-escape = Eine Frage schließen; nichts wird beendet
about = Adjourn { $version }, freie Software unter der Apache-Lizenz 2.0. Die Lizenzen seiner Bestandteile liegen dem Paket bei.
problem-report = Ein Problem melden
problem-report-holds = Unten steht alles, was in der Datei wäre: was das Fenster gezeigt hat, Zahlen, der Server des Veranstalters und die Nummer Ihres Interviews. Kein Name einer Person, kein Code und nichts von dem, was gesagt wurde.
problem-report-save = Bericht speichern
not-taken = Das wurde nicht ausgeführt. Bitte versuchen Sie es noch einmal.

## Start
welcome = Willkommen
paste-link = Fügen Sie den Link aus Ihrer Einladung ein, um zu beginnen.
interview-link = Interview-Link
continue = Weiter
what-it-does = Bevor Sie beitreten, können Sie Mikrofon und Lautsprecher prüfen.

## The host
is-this-your-organiser = Ist das Ihr Veranstalter?
new-server = Ihr Link führt zu einem Server, den Sie noch nicht benutzt haben:
only-if-you-know-it = Machen Sie nur weiter, wenn Sie ihn aus Ihrer Einladung kennen. Ihre Stimme und Ihre Antworten werden dorthin gesendet.
no-go-back = Nein, zurück
yes-continue = Ja, weiter

## Device check
about-interview = Zu diesem Interview
invited-begun = Es wurde schon begonnen und geht dort weiter, wo es unterbrochen wurde.
invited-by = { $organiser } lädt Sie zu diesem Interview ein.
invited-length = { $minutes ->
    [one] Es dauert höchstens eine Minute.
   *[other] Es dauert höchstens { $minutes } Minuten.
}
invited-interviewer = Sie sprechen mit einer automatischen Stimme, so wie mit einem Menschen.
need-adjustment = Ich brauche eine Anpassung
adjustment-contact = Was Sie hier schreiben, liest der Veranstalter erst nach dem Interview. Damit es rechtzeitig da ist, sagen Sie es ihm jetzt:
adjustment-no-contact = Was Sie hier schreiben, liest der Veranstalter erst nach dem Interview. Damit es rechtzeitig da ist, antworten Sie auf seine Einladung.
adjustment-what = Was brauchen Sie?
adjustment-kept = Was Sie brauchen, ist auf diesem Computer aufbewahrt. Es wird mit Ihrem Interview gesendet.
adjustment-not-kept = Dieser Computer kann es nicht aufbewahren. Es wird gesendet, wenn Sie jetzt beitreten.
check-your-sound = Prüfen Sie Ihren Ton
check-your-sound-how = Sagen Sie ein paar Worte und spielen Sie den Testton ab. Sie können jederzeit beitreten.
check-open = Noch nicht geprüft
check-good = In Ordnung
check-warning = Könnte besser sein
check-bad = Funktioniert nicht
microphone = Mikrofon
microphone-level = Pegel des Mikrofons
loudspeaker = Lautsprecher oder Kopfhörer
loudspeaker-level = Pegel des Lautsprechers
record-sample = 3 Sekunden aufnehmen
recording-sample = Aufnahme: Sprechen Sie jetzt …
playing-sample = Ihre Aufnahme wird abgespielt …
heard-it = Ja, ich habe sie gehört
heard-nothing = Nein
connection = Weg zum Interview-Raum
try-connection-again = Noch einmal prüfen
play-test-sound = Testton abspielen
not-connected = Das von Ihnen gewählte (nicht angeschlossen)
sound = Ton
sound-devices = Mikrofon und Lautsprecher
unmute-in-system = Stummschaltung aufheben
unmute-microphone = Stummschaltung des Mikrofons aufheben
unmute-loudspeaker = Stummschaltung des Lautsprechers aufheben
in-use = Jetzt benutzt: { $device }
done = Fertig
look-again = Noch einmal nach Geräten suchen
other-link = Einen anderen Link benutzen
your-voice = Ihre Stimme
push-to-talk = Sprechtaste: Ich bin nur zu hören, solange ich die Leertaste halte
stage-echo = Das Echo des Lautsprechers herausnehmen
stage-noise = Geräusche leiser machen
stage-gain = Eine leise Stimme lauter machen
technical-details = Technische Angaben
no-figures = Zahlen gibt es erst, wenn ein Gerät offen ist.
verdict-open = offen
verdict-good = gut
verdict-warning = mäßig
verdict-bad = schlecht
join = Dem Interview beitreten
join-waits = Bitte warten Sie auf das Personal
join-ask-staff = Bitte fragen Sie das Personal
try-again = Noch einmal versuchen
system-default = Standard des Systems
system-default-named = Standard des Systems ({ $device })

## Waiting
nobody-comes-minutes = { $minutes ->
        [one] Wenn in einer Minute niemand kommt, endet dies von selbst.
       *[other] Wenn in { $minutes } Minuten niemand kommt, endet dies von selbst.
    }
nobody-comes-soon = Wenn in etwa einer Minute niemand kommt, endet dies von selbst.
leave = Verlassen
answer-wait = Bleiben und warten

## Interview
seconds-reconnecting = { $seconds ->
        [one] Ist sie in einer Sekunde nicht zurück, endet das Interview hier.
       *[other] Ist sie in { $seconds } Sekunden nicht zurück, endet das Interview hier.
    }
seconds-checking = { $seconds ->
        [one] Spätestens in einer Sekunde wissen wir mehr.
       *[other] Spätestens in { $seconds } Sekunden wissen wir mehr.
    }
seconds-gone = { $seconds ->
        [one] Wenn in einer Sekunde niemand zurückkommt, endet das Interview.
       *[other] Wenn in { $seconds } Sekunden niemand zurückkommt, endet das Interview.
    }
ends-unanswered = { $seconds ->
        [one] Ohne Antwort endet das Interview in einer Sekunde.
       *[other] Ohne Antwort endet das Interview in { $seconds } Sekunden.
    }
text-size = Schriftgröße
switch-on = An · Strg+M
switch-off = Aus · Strg+M
time-of = { $time } von { $minutes } min
there-is-time = Es ist noch Zeit
newest = Neueste ↓
less-than-a-minute = Noch weniger als eine Minute.
minutes-left = { $minutes ->
        [one] Noch etwa eine Minute.
       *[other] Noch etwa { $minutes } Minuten.
    }
hold-this = Halten zum Sprechen
end-interview = Interview beenden
conversation = Gespräch
you = Sie
interviewer = Interviewer
nothing-said = Was gesagt wird, erscheint hier.
it-is-over = Es ist zu Ende
type-instead = Tippen statt sprechen
type-answer = Ihre Antwort
type-send = Senden
repeat-question = Frage wiederholen
repeat-words = Könnten Sie die Frage bitte wiederholen?

## Ending it
end-it-question = Das Interview beenden?
end-it-meaning = Das Interview ist dann vorbei, und was gesagt wurde, wird gesendet. Sie können nicht dorthin zurück.
go-on = Das Interview fortsetzen
end-it = Beenden

## Closing the window
close-unsafe-question = Schließen, obwohl Ihr Interview noch nicht sicher ist?
close-unsafe-meaning = Was Sie gesagt haben, ist weder beim Veranstalter angekommen noch auf diesem Computer gespeichert. Wenn Sie dieses Fenster jetzt schließen, kann es verloren gehen.
keep-open = Dieses Fenster offen lassen
close-all-the-same = Trotzdem schließen
close-again = Wenn Sie das Fenster noch einmal schließen, heißt das „{ $answer }“.

## The end
wrapping-up = Wird abgeschlossen …
being-saved = Ihr Interview ist vorbei und wird gespeichert.
saving = Wird gespeichert
receipt = Quittung
save-copy = Eine Kopie für den Veranstalter speichern
save-receipt = Quittung speichern
microphone-is-off = Aus
noticed = Hier bemerkt
how-we-know = Woher wir wissen, dass es zu Ende ist
what-becomes-of-it = Was mit Ihrem Interview geschieht
sending = Wird gesendet
fact-interview = Interview
fact-ended = Ende
fact-length = Dauer
close = Schließen

# Was das Programm einer Bewerberin oder einem Bewerber sagt. Die Namen sind die von `en/client.ftl`.

## A link, and its host
not-a-link = Das ist kein Interview-Link. Er beginnt mit adjourn://join. Kopieren Sie den ganzen Link aus Ihrer Einladung.
link-incomplete = Der Interview-Link ist unvollständig ({ $part ->
        [server] der Server
       *[code] der Code
    } fehlt oder steht zweimal darin). Kopieren Sie den ganzen Link aus Ihrer Einladung.
link-bad-server = Der Interview-Link nennt den Server „{ $server }“, und das ist keine Internetadresse. Kopieren Sie den ganzen Link aus Ihrer Einladung.
link-unencrypted = Der Interview-Link führt zu einem unverschlüsselten Server ({ $host }). Bitten Sie den Veranstalter um einen Link mit https.
link-bad-code = Der Code im Interview-Link ist ungültig. Er sieht aus wie K7QF-9M2X. Kopieren Sie den ganzen Link aus Ihrer Einladung.

## The backend
backend-unreachable = Der Interview-Server { $host } ist nicht zu erreichen. Prüfen Sie Ihre Internetverbindung und versuchen Sie es noch einmal.
backend-untrusted = Der Interview-Server { $host } kann nicht nachweisen, dass er der richtige ist. Deshalb wurde ihm nichts geschickt. Versuchen Sie es in einem anderen Netz oder sagen Sie es dem Veranstalter.
backend-unusable = Der Interview-Server { $host } antwortet nicht richtig ({ $detail }). Versuchen Sie es in einer Minute noch einmal.
code-unknown = { $host } kennt diesen Code nicht. Vergleichen Sie ihn mit Ihrer Einladung.
code-used = Dieser Code wurde schon auf einem anderen Computer oder in einer anderen Installation benutzt. Bitten Sie den Veranstalter um einen neuen.
interview-not-open = Dieses Interview ist gerade nicht offen. Sehen Sie in Ihrer Einladung nach der Uhrzeit oder fragen Sie den Veranstalter.
too-many-wrong-codes = Von hier kamen zu viele falsche Codes. Warten Sie eine Minute und versuchen Sie es noch einmal.
interview-unknown = Der Interview-Server { $host } weiß nichts von diesem Interview. Versuchen Sie es in einer Minute noch einmal oder sagen Sie es dem Veranstalter.
session-refused = Der Interview-Server nimmt diese Sitzung nicht mehr an.
record-exists = Der Interview-Server hat schon einen anderen Bericht über dieses Interview (Quittung { $receipt }).
record-refused = Der Interview-Server nimmt den Bericht nicht an: { $detail }

## What is kept on this computer
journal-unwritable = Das Protokoll des Interviews { $path } kann nicht geschrieben werden ({ $reason }). Schaffen Sie Platz auf der Festplatte oder prüfen Sie die Rechte des Ordners.
already-running = Adjourn läuft auf diesem Computer schon. Benutzen Sie dessen Fenster oder schließen Sie es und versuchen Sie es noch einmal.
other-record = Dieses Interview hat schon einen Bericht, und ein anderer darf nicht an seine Stelle treten.
journal-failed = Das Protokoll des Interviews hat einen Fehler: { $detail }
journal-unreadable = Im Protokoll des Interviews steht etwas Unlesbares: { $detail }
no-random-numbers = Das System liefert keine Zufallszahlen: { $detail }
journal-put-aside = Das Protokoll früherer Interviews war beschädigt. Es wurde als { $path } beiseitegelegt. Bitte geben Sie diese Datei dem Veranstalter, wenn eine Quittung fehlt.
entries-put-aside = { $count ->
        [one] Ein Eintrag des Protokolls war beschädigt und wurde beiseitegelegt.
       *[other] { $count } Einträge des Protokolls waren beschädigt und wurden beiseitegelegt.
    } Der Rest des Interviews ist vollständig.
report-made-again = Ein gespeicherter Bericht war beschädigt und wurde aus dem Protokoll des Interviews neu gemacht.

## Devices
no-microphone = Es wurde kein Mikrofon gefunden. Schließen Sie eines an und wählen Sie es in der Liste.
no-loudspeaker = Es wurden weder Lautsprecher noch Kopfhörer gefunden. Schließen Sie welche an und wählen Sie sie in der Liste.
device-denied = Ihr Computer lässt Adjourn dieses Gerät nicht benutzen. Bitte erlauben Sie es in den Datenschutz-Einstellungen Ihres Computers.
device-unusable = Dieses Gerät kann nicht benutzt werden ({ $detail }). Bitte wählen Sie ein anderes.
device-away = „{ $device }“ ist nicht angeschlossen. Bis es so weit ist, wird das übliche Gerät Ihres Computers benutzt.
device-missing = Das Gerät „{ $device }“ ist nicht angeschlossen. Schließen Sie es an oder wählen Sie ein anderes.
sound-system-silent = Das Tonsystem des Computers antwortet nicht ({ $detail }). Starten Sie den Computer neu oder bitten Sie um Hilfe.
sound-system-hangs = Das Tonsystem des Computers antwortet nicht. Starten Sie den Computer neu oder bitten Sie um Hilfe.
sound-file-unusable = Die Tondatei { $detail }.

## Joining
settings-unusable = Die Einstellungen dieses Interviews sind unbrauchbar: { $detail }. Bitte sagen Sie es dem Veranstalter.
already-ended = Dieses Interview ist schon zu Ende, und nichts davon ist verloren. Wenn Sie das für einen Irrtum halten, fragen Sie den Veranstalter.
ended-here = Dieses Interview ist auf diesem Computer schon zu Ende. Was gesagt wurde, ist hier aufbewahrt und wird gesendet. Wenn Sie das für einen Irrtum halten, fragen Sie den Veranstalter.
join-unanswered = Der Server des Interviews antwortet nicht. Versuchen Sie es in einer Minute noch einmal. Geschieht es wieder, versuchen Sie ein anderes Netz oder sagen Sie es dem Veranstalter.
room-unreachable = Der Interview-Raum antwortet nicht. Versuchen Sie es in einer Minute noch einmal. Geschieht es wieder, versuchen Sie ein anderes Netz oder sagen Sie es dem Veranstalter.
part-failed = Ein Teil dieses Programms ist ausgefallen. Bitte versuchen Sie es noch einmal.
room-not-open = Der Interview-Raum ist nicht offen. Fragen Sie den Veranstalter, ob das Interview noch geplant ist.
room-not-there = An der Adresse, die der Server des Veranstalters angegeben hat, gibt es keinen Interview-Raum. Das ist ein Fehler auf den Servern des Veranstalters. Bitte sagen Sie es ihm.
room-closed-while-joining = Der Server des Interview-Raums hat die Verbindung beendet, während Sie beitraten. Versuchen Sie es in einer Minute noch einmal.
admission-expired = Ihr Zutritt zum Interview-Raum ist abgelaufen. Versuchen Sie es noch einmal, dann bekommen Sie einen neuen.
admission-not-yet-valid = Der Interview-Raum lässt Sie noch nicht ein, weil die Uhren der Server des Veranstalters nicht übereinstimmen. Versuchen Sie es in einer Minute noch einmal.
admission-refused = Der Interview-Raum erkennt Ihren Zutritt nicht an. Das ist ein Fehler auf den Servern des Veranstalters. Bitte sagen Sie es ihm.
room-server-failed = Der Server des Interview-Raums hat ein Problem und hat Sie nicht eingelassen. Schließen Sie Adjourn auf anderen Computern und versuchen Sie es noch einmal oder sagen Sie es dem Veranstalter.
room-address-not-found = Die Adresse des Interview-Raums ist nicht zu finden. Prüfen Sie Ihre Internetverbindung und versuchen Sie es noch einmal.
room-server-refuses = Der Server des Interview-Raums nimmt gerade keine Verbindungen an. Versuchen Sie es in einer Minute noch einmal.
room-server-untrusted = Der Server des Interview-Raums kann nicht nachweisen, dass er der richtige ist. Deshalb wurde ihm nichts geschickt. Versuchen Sie es in einem anderen Netz oder sagen Sie es dem Veranstalter.
room-not-entered = Der Interview-Raum konnte nicht betreten werden. Versuchen Sie es noch einmal. Geschieht es wieder, sagen Sie es dem Veranstalter.

## Something to know
no-folder = Auf diesem Computer gibt es keinen Ordner, in dem Ihr Interview aufbewahrt werden könnte, denn das Benutzerkonto hat kein eigenes Verzeichnis. Starten Sie Adjourn mit --data und einem Ordner.
incomplete = Adjourn ist nicht vollständig installiert. So kann damit kein Interview geführt werden: { $detail }.
another-ends = Adjourn speichert noch Ihr letztes Interview. In diesem Fenster geht es gleich weiter.
one-at-a-time = Sie haben einen anderen Interview-Link geöffnet. Beenden Sie zuerst dieses Interview, schließen Sie dieses Fenster und öffnen Sie den Link noch einmal.
after-this = Sie haben einen Interview-Link geöffnet. Schließen Sie zuerst dieses Fenster und öffnen Sie den Link noch einmal.
nothing-to-copy = Es gibt noch keinen Bericht, der kopiert werden könnte.
copied = Eine Kopie wurde als { $path } gespeichert. Bitte senden Sie diese Datei an den Veranstalter.
receipt-saved = Ihre Quittung wurde als { $path } gespeichert. Öffnen Sie diese Datei, um sie zu lesen oder zu drucken.
problem-report-saved = Der Bericht wurde als { $path } gespeichert. Senden Sie diese Datei an die Person, die Ihnen hilft.
file-unwritable = Die Datei konnte nicht in { $folder } gespeichert werden ({ $reason }). Schaffen Sie Platz auf der Festplatte oder wählen Sie einen anderen Ordner für Downloads.
not-journaled = Die Festplatte dieses Computers nimmt keine Daten an. Ihr Interview geht weiter und wird an seinem Ende gleich gesendet.
not-typed = Was Sie getippt haben, hat den Interviewer nicht erreicht. Bitte tippen Sie es noch einmal.
unfinished = Ihr Interview wurde unterbrochen. Was gesagt wurde, ist aufbewahrt. Sie können es jetzt fortsetzen.
earlier-received = Ein früheres Interview ist angekommen. Quittung: { $receipt }
earlier-refused = Der Server des Veranstalters hat ein früheres Interview nicht angenommen. Es ist auf diesem Computer aufbewahrt. Bitte sagen Sie es dem Veranstalter.

## What the device check finds
say-a-few-words = Sagen Sie ein paar Worte. Wir hören Sie noch nicht.
hear-you = Wir hören Sie.
voice-cut-off = Ihre Stimme ist übersteuert, weil das Mikrofon zu laut ist. Stellen Sie es in den Einstellungen des Systems leiser oder gehen Sie weiter weg.
room-is-loud = Um Sie herum ist es laut. Leise Worte können verloren gehen. Ein ruhigerer Ort oder ein Headset ist besser.
play-the-chime = Spielen Sie den Testton ab.
did-you-hear-it = Haben Sie zwei leise Töne gehört?
chime-heard = Hier hören Sie den Interviewer.
chime-not-heard = Stellen Sie den Lautsprecher lauter oder wählen Sie einen anderen in der Liste und spielen Sie den Ton noch einmal ab.
echo-heard = Hier hören Sie den Interviewer, und Ihr Mikrofon hört ihn auch. Kopfhörer sind besser. Ohne sie nehmen wir das Echo heraus.
echo-stays = Hier hören Sie den Interviewer, und Ihr Mikrofon hört ihn auch. Bitte benutzen Sie Kopfhörer oder lassen Sie uns unter „Ihre Stimme“ das Echo herausnehmen.
trying-connection = Der Weg zum Interview-Raum wird geprüft. Das dauert ein paar Sekunden …
connection-good = Der Interview-Raum ist gut zu erreichen ({ $ms } ms hin und zurück).
connection-slow = Der Weg zum Interview-Raum ist langsam ({ $ms } ms hin und zurück). Antworten kommen deshalb spät. Ein Kabel statt WLAN oder ein anderes Netz kann helfen.
connection-lossy = { $percent } % von dem, was Sie sagen, gehen auf dem Weg zum Interview-Raum verloren. Gehen Sie näher an Ihr WLAN, nehmen Sie ein Kabel oder beenden Sie, was Ihre Verbindung sonst benutzt.
connection-by-tcp = Der Interview-Raum ist zu erreichen, aber Ihr Netz lässt Ton nur auf einem Umweg (TCP) durch. Er kann deshalb stocken. Ein anderes Netz ist vielleicht besser.
connection-not-tried = Der Weg zum Interview-Raum kann von hier aus nicht geprüft werden. Sie können trotzdem beitreten.

## What goes on
opening-devices = Mikrofon und Lautsprecher werden geöffnet …
connecting = Verbindung zum Interview-Raum …
reconnecting = Die Verbindung wird von selbst wiederhergestellt. Sie müssen nichts tun. Was gesagt wurde, ist aufbewahrt.
person-took-over = Der Interviewer hat aufgehört. { $person } ist im Raum.
long-wait = Es dauert länger als sonst. Sie können weiter warten.
interviewer-soon = Ihr Interviewer ist gleich da.
checking-on-interviewer = Der Interviewer antwortet gerade nicht. Sie müssen nichts tun.
interviewer-gone = Sie müssen nichts tun. Wir warten einen Moment, falls er zurückkommt.
muted = Der Interviewer hört Sie nicht. Schalten Sie das Mikrofon ein, um zu antworten.
muted-in-system = Ihr Mikrofon ist in den Einstellungen des Systems stummgeschaltet.
loudspeaker-muted = Ihr Lautsprecher ist in den Einstellungen des Systems stummgeschaltet.
stays-muted = Ihr Mikrofon ist in den Einstellungen des Systems stummgeschaltet, und das lässt sich von hier aus nicht ändern. Bitte öffnen Sie die Toneinstellungen Ihres Computers.
loudspeaker-stays-muted = Ihr Lautsprecher ist in den Einstellungen des Systems stummgeschaltet, und das lässt sich von hier aus nicht ändern. Bitte öffnen Sie die Toneinstellungen Ihres Computers.
loudspeaker-stands = Ihr Lautsprecher nimmt gerade keinen Ton an. Bitte prüfen Sie, ob er angeschlossen und eingeschaltet ist.
hold-to-talk = Halten Sie die Leertaste, während Sie sprechen.
microphone-silent = Von Ihrem Mikrofon kommt kein Ton. Bitte prüfen Sie, ob es angeschlossen und eingeschaltet ist.
listening = Der Interviewer hört zu. Nehmen Sie sich die Zeit, die Sie brauchen.
speaking = Sie können antworten, wenn er fertig ist.
about-to-begin = Ihr Interviewer beginnt gleich.
goodbye = Das war die letzte Frage. Wir schließen ab. Sie müssen nichts mehr sagen.
microphone-off = Ihr Mikrofon ist ausgeschaltet.
room-closed = Wir fragen den Veranstalter nach dem Grund. Sie müssen nichts tun.
another-comes = Ein anderer Interviewer macht mit Ihnen weiter. Sie müssen nichts tun.
head-replacing = Ein anderer Interviewer kommt
interviewer-replaced = Ihr Interviewer hatte ein technisches Problem. Ein anderer kommt hinzu; was Sie gesagt haben, ist gesichert. Sie müssen nichts tun.
say-hello = Ihr Interviewer hört zu. Sie können Hallo sagen.

## The heading over that
head-joining = Beitritt
head-waiting = Warten auf den Interviewer
head-greeting = Einen Moment
head-listening = Sie sind dran
head-speaking = Der Interviewer spricht
head-thinking = Der Interviewer denkt nach
head-goodbye = Der Interviewer hat sich verabschiedet
head-checking = Wir sehen nach dem Interviewer
head-gone = Der Interviewer hat den Raum verlassen
head-closed = Der Raum wurde geschlossen
head-person = Jemand ist für Sie da
head-reconnecting = Ihre Verbindung ist abgebrochen
head-muted = Ihr Mikrofon ist aus
head-not-heard = Der Interviewer hört Sie nicht
head-hears-nothing = Sie hören den Interviewer nicht

## Numbers about sound
figure-microphone = Mikrofon: { $device }, { $rate } Hz, { $channels ->
        [one] ein Kanal
       *[other] { $channels } Kanäle
    }, { $buffer } ms auf einmal
figure-loudspeaker = Lautsprecher: { $device }, { $rate } Hz, { $channels ->
        [one] ein Kanal
       *[other] { $channels } Kanäle
    }, { $buffer } ms im Vorrat
figure-capture-lost = Am Mikrofon verloren: { $ms } ms
figure-playback-gaps = Lücken am Lautsprecher: { $count }
figure-playback-skipped = Am Lautsprecher ausgelassen, um aufzuholen: { $ms } ms
figure-clock-drift = Uhr des Lautsprechers gegen die des Computers: { $ppm } ppm
figure-round-trip = Zum Interview-Raum und zurück: { $ms } ms
figure-sent-lost = Ihre Stimme, unterwegs verloren: { $percent } %
figure-received-lost = Stimme des Interviewers, unterwegs verloren: { $percent } %
figure-jitter-buffer = Vorrat für späte Pakete: { $ms } ms
figure-concealed = Für Verlorenes ergänzt: { $percent } %

## What is asked
ask-going-on = Geht Ihr Interview noch weiter?
ask-over = Ist Ihr Interview zu Ende?
why-asked-silent = Der Interviewer hat eine Weile nichts gesagt. Sie können weiter warten oder das Interview beenden. Was bis jetzt gesagt wurde, ist aufbewahrt.
why-asked-over = Der Interviewer scheint das Interview beendet zu haben. Wenn es zu Ende ist, müssen Sie nichts tun.
why-asked-closed = Der Interviewer ist verbunden, antwortet aber nicht. Vielleicht hat er das Interview beendet oder braucht einen Moment. Wenn es zu Ende ist, müssen Sie nichts tun.
why-asked-person = Der Interviewer hat aufgehört. { $person } ist im Raum.
why-asked-somebody = Der Interviewer hat aufgehört. Jemand anderes ist im Raum.
answer-keep-waiting = Weiter warten
answer-going-on = Es geht noch weiter

## The end
end-finished = Ihr Interview ist vollständig
end-by-you = Sie haben das Interview beendet
end-never-started = Das Interview hat nicht begonnen
end-connection-lost = Die Verbindung ist abgebrochen
end-ended = Das Interview ist zu Ende
end-closed = Das Interview wurde geschlossen
end-elsewhere = Das Interview geht anderswo weiter
end-time-over = Die Zeit des Interviews ist um
end-interrupted = Das Interview wurde unterbrochen
because-finished = Der Interviewer hat das Interview beendet.
because-full-time = Die ganze Zeit des Interviews wurde genutzt.
because-of-you = Sie haben sich entschieden, das Interview zu beenden.
because-nobody-came = Es war kein Interviewer da.
because-connection-lost = Die Verbindung zum Interview-Raum ist abgerissen und kam nicht zurück.
because-room-restarted = Der Interview-Raum wurde neu gestartet, und Ihr Interviewer kam nicht zurück.
because-turned-away = Die Server des Veranstalters haben nicht mehr richtig funktioniert: Ihr Computer hat sie erreicht, und sie haben ihn nicht mehr in den Interview-Raum gelassen. Es lag nicht an Ihrem Computer und nicht an Ihrer Internetverbindung.
because-session-closed = Der Interviewer hat das Interview geschlossen.
because-interviewer-left = Der Interviewer hat den Raum verlassen.
because-room-closed = Der Interview-Raum wurde geschlossen.
because-organiser-closed = Der Veranstalter hat das Interview geschlossen.
because-elsewhere = Ihr Interview wurde anderswo noch einmal geöffnet: auf einem anderen Computer oder hier ein zweites Mal.
because-no-answer = Mehrere Minuten lang wurde nichts gesagt.
because-time-limit = Die Zeit war um, während Sie auf den Interviewer warteten.
because-closed-here = Adjourn wurde geschlossen.
because-interviewer-lost = Die Verbindung zum Interviewer ist abgebrochen.
because-interviewer-silent = Der Interviewer hat nicht mehr geantwortet.
because-interviewer-failed = Der Interviewer hatte ein technisches Problem.
because-removed = Sie wurden aus dem Interview-Raum entfernt.
because-part-failed = Dieses Programm hatte ein technisches Problem.
next-nothing = Sie müssen nichts weiter tun.
next-organiser = Der Veranstalter kann sehen, was geschehen ist, und sagt Ihnen, wie es weitergeht. Nennen Sie die Nummer Ihrer Quittung, wenn Sie fragen.
next-ask-organiser = Fragen Sie den Veranstalter, wie es weitergeht.
next-try-again = Das war nicht Ihr Fehler. Öffnen Sie Ihren Link noch einmal, um es wieder zu versuchen. Wenn er sich nicht öffnet, bitten Sie den Veranstalter um einen anderen Termin.
next-elsewhere = Machen Sie dort weiter.
sign-end-tool = Der Interviewer hat das Interview beendet
sign-end-tool-began = Der Interviewer hat begonnen, das Interview zu beenden
sign-task-done = Der Interviewer hat gesagt, dass seine Aufgabe erledigt ist
sign-report = Im Bericht des Interviewers steht, dass das Interview vollständig war
sign-end-marker = Der Interviewer hat gesagt, dass das Interview zu Ende ist
sign-organiser = Der Veranstalter hat das Interview beendet
sign-full-time = Die ganze Zeit des Interviews wurde genutzt
sign-session-answered = Letzte Antwort der Sitzung des Interviewers
sign-program-answered = Letzte Antwort des Programms des Interviewers
sign-received = Zuletzt etwas aus dem Interview-Raum empfangen
confirmed = Der Bericht des Interviewers ist da und bestätigt: Das Interview war vollständig.

## What becomes of it: this alone says whether the window may be closed
fate-saving = Bitte lassen Sie dieses Fenster noch einen Moment offen: Ihr Interview wird gespeichert.
fate-sending = Ihr Interview ist auf diesem Computer gespeichert und wird gesendet. Bitte lassen Sie dieses Fenster noch einen Moment offen.
fate-saved = Ihr Interview ist auf diesem Computer gespeichert und noch nicht angekommen. Sie können dieses Fenster schließen. Öffnen Sie Adjourn auf diesem Computer wieder, wenn er mit dem Internet verbunden ist, dann wird Ihr Interview gesendet.
fate-parked = Ihr Interview ist auf diesem Computer gespeichert, aber der Server des Veranstalters nimmt es nicht an. Bitte speichern Sie eine Kopie und senden Sie sie an den Veranstalter. Danach können Sie dieses Fenster schließen.
fate-unsaved = Lassen Sie dieses Fenster offen. Die einzige Fassung ist in diesem Fenster, und wir versuchen weiter, sie zu senden. Speichern Sie zur Sicherheit eine Kopie für den Veranstalter.
fate-refused = Lassen Sie dieses Fenster offen, bis Sie eine Kopie haben: Die einzige Fassung ist darin, und der Server des Veranstalters nimmt sie nicht an. Bitte speichern Sie eine Kopie und senden Sie sie an den Veranstalter.
fate-received = Ihr Interview ist angekommen, und wir haben die Quittung geprüft. Sie können dieses Fenster schließen.
fate-received-here = Was hier gesagt wurde, ist angekommen, und wir haben die Quittung geprüft. Sie können dieses Fenster schließen.
fate-never-telling = Wir sagen dem Veranstalter, dass Ihr Interview nicht begonnen hat. Bitte lassen Sie dieses Fenster noch einen Moment offen.
fate-never-later = Dem Veranstalter konnte noch nicht gesagt werden, dass Ihr Interview nicht begonnen hat. Nichts ist verloren. Sie können dieses Fenster schließen.
fate-never-untold = Dem Server des Veranstalters konnte nicht gesagt werden, dass Ihr Interview nicht begonnen hat. Bitte sagen Sie es dem Veranstalter. Sie können dieses Fenster schließen.
fate-never-told = Der Veranstalter weiß, dass Ihr Interview nicht begonnen hat. Sie können dieses Fenster schließen.

## Said elsewhere than on the page (elsewhere.json): a receipt's own page, and where there is no page
receipt-title = Quittung { $receipt }
receipt-meaning = { $host } bestätigt, dass die Aufzeichnung dieses Interviews angekommen ist. Heben Sie diese Seite auf: Sie ist Ihr Nachweis.
receipt-title-of = Titel
receipt-organiser = Server des Veranstalters
receipt-outcome = Wie es endete
receipt-ended = Beendet
receipt-received = Angekommen
receipt-number = Quittung
receipt-proof = Für alle, die sie prüfen: Die Quittung ist mit dem hier genannten Schlüssel signiert, und die Prüfsumme (SHA-256) ist die der Aufzeichnung, wie sie gesendet wurde.
receipt-square = Die signierte Quittung, für ein Telefon
receipt-record-id = Aufzeichnung
receipt-digest = Prüfsumme (SHA-256)
receipt-key = Schlüssel
receipt-signed = Signierte Quittung
page-gone = Dieses Fenster kann gerade nichts anzeigen und versucht es weiter. Ein Interview, das begonnen hat, geht weiter: Hören und sprechen Sie wie bisher. Wenn Sie das Fenster schließen, ist es vorbei; was gesagt wurde, wird aufbewahrt und so bald wie möglich gesendet.
no-webview = Adjourn braucht für sein Fenster die WebView2-Runtime von Microsoft, und auf diesem Computer gibt es sie nicht. Installieren Sie den „Evergreen Bootstrapper“ von developer.microsoft.com/microsoft-edge/webview2 und öffnen Sie Adjourn noch einmal. Nichts ist verloren.

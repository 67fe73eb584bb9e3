; The installer for Windows 10 and later, for one user and without an administrator: `cargo xtask package --windows`.
; Given by the command line: VERSION, STAGING (folder with what is installed), OUT (the installer's file), KIB (size of
; what is installed).
Target amd64-unicode
SetCompressor /SOLID /FINAL lzma
SetCompressorDictSize 64
RequestExecutionLevel user

!include LogicLib.nsh

Name "Adjourn"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Adjourn"
Icon "${STAGING}\icon.ico"
UninstallIcon "${STAGING}\icon.ico"
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "Adjourn"
VIAddVersionKey "FileDescription" "Installs Adjourn"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "The Adjourn authors, Apache-2.0"

LoadLanguageFile "${NSISDIR}\Contrib\Language files\English.nlf"
LoadLanguageFile "${NSISDIR}\Contrib\Language files\German.nlf"
LoadLanguageFile "${NSISDIR}\Contrib\Language files\Spanish.nlf"
LoadLanguageFile "${NSISDIR}\Contrib\Language files\French.nlf"
LoadLanguageFile "${NSISDIR}\Contrib\Language files\Arabic.nlf"

LangString RUNNING ${LANG_ENGLISH} "Adjourn is open. Close its window and try again; an interview that goes on ends with it."
LangString RUNNING ${LANG_GERMAN} "Adjourn ist geöffnet. Schließen Sie das Fenster und versuchen Sie es noch einmal; ein laufendes Interview endet damit."
LangString RUNNING ${LANG_SPANISH} "Adjourn está abierto. Cierre su ventana e inténtelo de nuevo; una entrevista en curso terminará con ella."
LangString RUNNING ${LANG_FRENCH} "Adjourn est ouvert. Fermez sa fenêtre et réessayez ; un entretien en cours se terminera avec elle."
LangString RUNNING ${LANG_ARABIC} "تطبيق Adjourn مفتوح. أغلق نافذته وحاول مرة أخرى؛ ستنتهي معها أي مقابلة جارية."
LangString WEBVIEW ${LANG_ENGLISH} "Fetching Microsoft's WebView2, which draws the window…"
LangString WEBVIEW ${LANG_GERMAN} "WebView2 von Microsoft wird geholt, das das Fenster zeichnet…"
LangString WEBVIEW ${LANG_SPANISH} "Obteniendo WebView2 de Microsoft, que dibuja la ventana…"
LangString WEBVIEW ${LANG_FRENCH} "Téléchargement de WebView2 de Microsoft, qui dessine la fenêtre…"
LangString WEBVIEW ${LANG_ARABIC} "جارٍ جلب WebView2 من Microsoft الذي يرسم النافذة…"
LangString KEPT ${LANG_ENGLISH} "Adjourn's journal stays on this computer. It may be the only copy of an interview:"
LangString NO_WEBVIEW ${LANG_ENGLISH} "It could not be fetched. Adjourn will say what to do when it is opened."
LangString KEPT ${LANG_GERMAN} "Das Journal von Adjourn bleibt auf diesem Computer. Es kann die einzige Kopie eines Interviews sein:"
LangString NO_WEBVIEW ${LANG_GERMAN} "Es konnte nicht geholt werden. Adjourn sagt beim Öffnen, was zu tun ist."
LangString KEPT ${LANG_SPANISH} "El diario de Adjourn permanece en este ordenador. Puede ser la única copia de una entrevista:"
LangString NO_WEBVIEW ${LANG_SPANISH} "No se pudo obtener. Adjourn dirá qué hacer cuando se abra."
LangString KEPT ${LANG_FRENCH} "Le journal d'Adjourn reste sur cet ordinateur. Il peut être la seule copie d'un entretien :"
LangString NO_WEBVIEW ${LANG_FRENCH} "Le téléchargement a échoué. Adjourn dira quoi faire à son ouverture."
LangString KEPT ${LANG_ARABIC} "يبقى سجل Adjourn على هذا الحاسوب. قد يكون النسخة الوحيدة من مقابلة:"
LangString NO_WEBVIEW ${LANG_ARABIC} "تعذّر جلبه. سيوضح Adjourn ما يلزم عند فتحه."

Page instfiles
UninstPage instfiles

!define APP "Software\Microsoft\Windows\CurrentVersion\Uninstall\Adjourn"
!define LINK "Software\Classes\adjourn"
; Where WebView2 says that it is there (Microsoft's documentation of its distribution).
!define WEBVIEW_KEY "Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"

; A program that runs can't be replaced: said before anything is changed. Exit code 3 where nobody is asked.
!macro NotRunning
  ${If} ${FileExists} "$INSTDIR\adjourn.exe"
    ${Do}
      ClearErrors
      FileOpen $0 "$INSTDIR\adjourn.exe" a
      ${IfNot} ${Errors}
        FileClose $0
        ${Break}
      ${EndIf}
      ${If} ${Silent}
        SetErrorLevel 3
        Quit
      ${EndIf}
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RUNNING)" IDRETRY +2
      Quit
    ${Loop}
  ${EndIf}
!macroend

Section
  SetShellVarContext current
  !insertmacro NotRunning
  SetOutPath "$INSTDIR"
  SetOverwrite on
  File "${STAGING}\adjourn.exe"
  File "${STAGING}\livekit_ffi.dll"
  File "${STAGING}\WebView2Loader.dll"
  File "${STAGING}\icon.ico"
  File /r "${STAGING}\licenses"
  WriteUninstaller "$INSTDIR\uninstall.exe"

  WriteRegStr HKCU "${LINK}" "" "URL:Adjourn interview"
  WriteRegStr HKCU "${LINK}" "URL Protocol" ""
  WriteRegStr HKCU "${LINK}\DefaultIcon" "" "$INSTDIR\icon.ico"
  ; What a link says is a link, and no option.
  WriteRegStr HKCU "${LINK}\shell\open\command" "" '"$INSTDIR\adjourn.exe" -- "%1"'

  WriteRegStr HKCU "${APP}" "DisplayName" "Adjourn"
  WriteRegStr HKCU "${APP}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${APP}" "DisplayIcon" "$INSTDIR\icon.ico"
  WriteRegStr HKCU "${APP}" "Publisher" "The Adjourn authors"
  WriteRegStr HKCU "${APP}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${APP}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${APP}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${APP}" "EstimatedSize" ${KIB}
  WriteRegDWORD HKCU "${APP}" "NoModify" 1
  WriteRegDWORD HKCU "${APP}" "NoRepair" 1
  CreateShortCut "$SMPROGRAMS\Adjourn.lnk" "$INSTDIR\adjourn.exe" "" "$INSTDIR\icon.ico"

  ; Windows 11 has it; on Windows 10 it may be missing. What is fetched is run only if Microsoft signed it. Where it can't be
  ; fetched, the program says so when it is opened.
  ReadRegStr $0 HKLM "SOFTWARE\WOW6432Node\${WEBVIEW_KEY}" "pv"
  ${If} $0 == ""
    ReadRegStr $0 HKCU "Software\${WEBVIEW_KEY}" "pv"
  ${EndIf}
  ${If} $0 == ""
  ${OrIf} $0 == "0.0.0.0"
    DetailPrint "$(WEBVIEW)"
    InitPluginsDir
    File "/oname=$PLUGINSDIR\webview2.ps1" "${STAGING}\webview2.ps1"
    nsExec::ExecToLog '"$SYSDIR\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "$PLUGINSDIR\webview2.ps1" "$PLUGINSDIR\webview2.exe"'
    Pop $0
    ${If} $0 != "0"
      DetailPrint "$(NO_WEBVIEW) ($0)"
    ${EndIf}
  ${EndIf}
SectionEnd

Section "Uninstall"
  SetShellVarContext current
  !insertmacro NotRunning
  Delete "$INSTDIR\adjourn.exe"
  Delete "$INSTDIR\livekit_ffi.dll"
  Delete "$INSTDIR\WebView2Loader.dll"
  Delete "$INSTDIR\icon.ico"
  RMDir /r "$INSTDIR\licenses"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Adjourn.lnk"
  ; Another installation may have taken the links over.
  ReadRegStr $0 HKCU "${LINK}\shell\open\command" ""
  ${If} $0 == '"$INSTDIR\adjourn.exe" -- "%1"'
    DeleteRegKey HKCU "${LINK}"
  ${EndIf}
  DeleteRegKey HKCU "${APP}"
  ; What the webview keeps is of no use any more; the journal may be the only copy of an interview.
  RMDir /r "$LOCALAPPDATA\org.adjourn.client\webview"
  RMDir "$LOCALAPPDATA\org.adjourn.client"
  ${If} ${FileExists} "$APPDATA\org.adjourn.client\outbox.*"
    DetailPrint "$(KEPT) $APPDATA\org.adjourn.client"
    IfSilent +2
    MessageBox MB_OK|MB_ICONINFORMATION "$(KEPT) $APPDATA\org.adjourn.client"
  ${EndIf}
SectionEnd

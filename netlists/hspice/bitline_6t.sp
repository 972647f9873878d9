* Read of a column of 16 cells of card sram_array_6t_65nm, 16 of them on
* Card sram_array_6t_65nm at TT and 300.15 K, each device drawn by the card's spreads, seed 1.
* Made by circuitsnn 0.1.0: circuitsnn netlist bitline --dialect hspice --spread drawn --seed 1 --rows 16 --stored 01
* Run it with: hspice DECK

.option parhier=local
.param arsinh(x)='sgn(x)*log(abs(x)+sqrt(x*x+1))'
.param V_DD=1.2
.param V_precharge=1.2
.param T_pulse=450p
.param C_BL_row=5e-16
.param C_BL_fixed=50f
.param R_precharge=1k
.param V_WL=600m
.param C_WL_supply=500p
.param C_WL_cell=4e-16
.param R_WL=142.336k
.param t_sample=7.346719999999999e-10
.param t_edge=6e-16
.param W_access=120n
.param L_access=65n
.param W_pull_down=200n
.param L_pull_down=65n
.param W_pull_up=80n
.param L_pull_up=65n
.param V_on='V_WL*C_WL_supply/(C_WL_supply+4096*C_WL_cell)'
.param V_T_nmos=450m
.param n_nmos=1.35
.param K_P_nmos=250u
.param theta_nmos=1.5
.param lambda_nmos=80m
.param sigma_nmos=40m
.param phi_t=0.025864925786328753
.param V_T_pmos=450m
.param n_pmos=1.4
.param K_P_pmos=105u
.param theta_pmos=900m
.param lambda_pmos=100m
.param sigma_pmos=40m

.subckt nmos d g s b W=120n L=65n threshold_shift=0 current_factor_shift=0
E_Bu_f u_f 0 vol='((V(g,b)-(V_T_nmos+threshold_shift)+sigma_nmos*(V(d,b)+V(s,b)))/n_nmos-V(s,b))/(2*phi_t)'
E_Bq_f q_f 0 vol='max(V(u_f),0)+log(1+exp(-abs(V(u_f))))'
E_Bu_r u_r 0 vol='((V(g,b)-(V_T_nmos+threshold_shift)+sigma_nmos*(V(d,b)+V(s,b)))/n_nmos-V(d,b))/(2*phi_t)'
E_Bq_r q_r 0 vol='max(V(u_r),0)+log(1+exp(-abs(V(u_r))))'
G_Bchannel d s cur='2*n_nmos*phi_t*phi_t*K_P_nmos*W/L*(1+current_factor_shift)*(V(q_f)-V(q_r))*(V(q_f)+V(q_r))*(1+lambda_nmos*(sqrt(V(d,s)*V(d,s)+4*phi_t*phi_t)-2*phi_t))/(1+theta_nmos*n_nmos*phi_t*(V(q_f)+V(q_r)))'
.ends nmos

.subckt pmos d g s b W=120n L=65n threshold_shift=0 current_factor_shift=0
E_Bu_f u_f 0 vol='((V(b,g)-(V_T_pmos+threshold_shift)+sigma_pmos*(V(b,d)+V(b,s)))/n_pmos-V(b,s))/(2*phi_t)'
E_Bq_f q_f 0 vol='max(V(u_f),0)+log(1+exp(-abs(V(u_f))))'
E_Bu_r u_r 0 vol='((V(b,g)-(V_T_pmos+threshold_shift)+sigma_pmos*(V(b,d)+V(b,s)))/n_pmos-V(b,d))/(2*phi_t)'
E_Bq_r q_r 0 vol='max(V(u_r),0)+log(1+exp(-abs(V(u_r))))'
G_Bchannel s d cur='2*n_pmos*phi_t*phi_t*K_P_pmos*W/L*(1+current_factor_shift)*(V(q_f)-V(q_r))*(V(q_f)+V(q_r))*(1+lambda_pmos*(sqrt(V(d,s)*V(d,s)+4*phi_t*phi_t)-2*phi_t))/(1+theta_pmos*n_pmos*phi_t*(V(q_f)+V(q_r)))'
.ends pmos

.subckt coupling_switch a b control
G_Bcontact a b cur='V(a,b)*(1p+1000*0.5*(1+tanh(40*(V(control)-0.5))))'
.ends coupling_switch

.subckt cycle_meter supply drive energy on
Vsense supply drive 0
G_Bpower 0 energy cur='1n*V(on)*V(supply)*I(Vsense)'
Cenergy energy 0 1n
Rleak energy 0 1000000000000000.0
.ends cycle_meter

Vcycle cycle 0 PULSE(0 1 0 't_edge' 't_edge' 1k 2k)
Vdd vdd_source 0 'V_DD'
Xmeter_cell vdd_source vdd energy_cell cycle cycle_meter
Vprecharge precharge_source 0 'V_precharge'
Xmeter_precharge precharge_source precharge energy_precharge cycle cycle_meter
Vprecharge_on precharge_on 0 PULSE(1 0 0 't_edge' 't_edge' 't_sample-t_edge' 1k)
Rprecharge_bl precharge precharge_bl 'R_precharge'
Xprecharge_bl precharge_bl bl precharge_on coupling_switch
Cbl bl 0 'C_BL_fixed+16*C_BL_row'
Rprecharge_blb precharge precharge_blb 'R_precharge'
Xprecharge_blb precharge_blb blb precharge_on coupling_switch
Cblb blb 0 'C_BL_fixed+16*C_BL_row'
Vdriver_1 driver_1_source 0 PULSE(0 'V_on' 0 't_edge' 't_edge' 'T_pulse-t_edge' 1k)
Xmeter_driver_1 driver_1_source driver_1 energy_driver_1 cycle cycle_meter
Rwl_0 driver_1 wl_0 'R_WL'
Cwl_0 wl_0 0 'C_WL_cell'
Xcell0_access bl wl_0 cell0_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.018125449106076857 current_factor_shift=-0.0859571691720925
Xcell0_pull_down cell0_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.021143471702128182 current_factor_shift=-0.009058969415079795
Xcell0_pull_up cell0_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.053272493215522576 current_factor_shift=0.09625410982956684
Xcell0_access_bar blb wl_0 cell0_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.005473065943263183 current_factor_shift=0.0054703770895847175
Xcell0_pull_down_bar cell0_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.02226164569005825 current_factor_shift=-0.017450429343991995
Xcell0_pull_up_bar cell0_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.010028588432261846 current_factor_shift=0.19170606987048583
Rwl_1 driver_1 wl_1 'R_WL'
Cwl_1 wl_1 0 'C_WL_cell'
Xcell1_access bl wl_1 cell1_q 0 nmos W='W_access' L='L_access' threshold_shift=0.011118188132169563 current_factor_shift=0.02051838903368491
Xcell1_pull_down cell1_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.00021930774302566554 current_factor_shift=0.04629372713865942
Xcell1_pull_up cell1_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.021361157402968095 current_factor_shift=0.21492806713151033
Xcell1_access_bar blb wl_1 cell1_qb 0 nmos W='W_access' L='L_access' threshold_shift=0.005246684071663042 current_factor_shift=0.07766849652488009
Xcell1_pull_down_bar cell1_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.011507407549525598 current_factor_shift=0.07543305742402083
Xcell1_pull_up_bar cell1_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.034277671323764414 current_factor_shift=0.07099852179907702
Rwl_2 driver_1 wl_2 'R_WL'
Cwl_2 wl_2 0 'C_WL_cell'
Xcell2_access bl wl_2 cell2_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.011128935374762674 current_factor_shift=-0.032738309281631905
Xcell2_pull_down cell2_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.01336297052233177 current_factor_shift=-0.06645296826180788
Xcell2_pull_up cell2_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.037195355047601394 current_factor_shift=-0.017228438105718124
Xcell2_access_bar blb wl_2 cell2_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.02070184964048032 current_factor_shift=0.0263645957018826
Xcell2_pull_down_bar cell2_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.0264679336748057 current_factor_shift=0.026052759036595815
Xcell2_pull_up_bar cell2_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.03633245045607288 current_factor_shift=0.1811208094103757
Rwl_3 driver_1 wl_3 'R_WL'
Cwl_3 wl_3 0 'C_WL_cell'
Xcell3_access bl wl_3 cell3_q 0 nmos W='W_access' L='L_access' threshold_shift=0.03106046480599181 current_factor_shift=-0.030016235624360784
Xcell3_pull_down cell3_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.008438262014543778 current_factor_shift=-0.11138745374203028
Xcell3_pull_up cell3_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.03795561131027827 current_factor_shift=-0.06757505645594372
Xcell3_access_bar blb wl_3 cell3_qb 0 nmos W='W_access' L='L_access' threshold_shift=0.0015384985564642724 current_factor_shift=-0.032827913594725804
Xcell3_pull_down_bar cell3_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.0031105967880550125 current_factor_shift=0.02528496805054815
Xcell3_pull_up_bar cell3_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.032996687829933855 current_factor_shift=0.07302302240445692
Rwl_4 driver_1 wl_4 'R_WL'
Cwl_4 wl_4 0 'C_WL_cell'
Xcell4_access bl wl_4 cell4_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.07565897095069889 current_factor_shift=-0.071529151594093
Xcell4_pull_down cell4_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.018698463832632444 current_factor_shift=0.0632744995744402
Xcell4_pull_up cell4_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.003661428564324067 current_factor_shift=-0.09377059989689467
Xcell4_access_bar blb wl_4 cell4_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.0012987778871095446 current_factor_shift=0.01929658161438264
Xcell4_pull_down_bar cell4_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.032587770277588864 current_factor_shift=-0.02166092342446544
Xcell4_pull_up_bar cell4_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.011512974075209815 current_factor_shift=0.04785385076058208
Rwl_5 driver_1 wl_5 'R_WL'
Cwl_5 wl_5 0 'C_WL_cell'
Xcell5_access bl wl_5 cell5_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.03134322766129515 current_factor_shift=0.045406549362414714
Xcell5_pull_down cell5_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.038513569548141745 current_factor_shift=0.006226559556507956
Xcell5_pull_up cell5_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.005185090302191536 current_factor_shift=-0.011615857234434415
Xcell5_access_bar blb wl_5 cell5_qb 0 nmos W='W_access' L='L_access' threshold_shift=0.000676252089987428 current_factor_shift=0.011658817163922528
Xcell5_pull_down_bar cell5_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.00915513983605038 current_factor_shift=0.08212231405717588
Xcell5_pull_up_bar cell5_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.039399823436332373 current_factor_shift=0.027985844460272708
Rwl_6 driver_1 wl_6 'R_WL'
Cwl_6 wl_6 0 'C_WL_cell'
Xcell6_access bl wl_6 cell6_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.008524794769972375 current_factor_shift=-0.10861808724859406
Xcell6_pull_down cell6_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.05703906011902993 current_factor_shift=-0.02552071654281048
Xcell6_pull_up cell6_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.021227690722682033 current_factor_shift=-0.013403618293523037
Xcell6_access_bar blb wl_6 cell6_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.0376931638925946 current_factor_shift=-0.028653816214297075
Xcell6_pull_down_bar cell6_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.021999250726891583 current_factor_shift=-0.004497784439948687
Xcell6_pull_up_bar cell6_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.02959482183325547 current_factor_shift=-0.10377869634897251
Rwl_7 driver_1 wl_7 'R_WL'
Cwl_7 wl_7 0 'C_WL_cell'
Xcell7_access bl wl_7 cell7_q 0 nmos W='W_access' L='L_access' threshold_shift=0.034863246990081274 current_factor_shift=0.15769391523980306
Xcell7_pull_down cell7_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.023072040830228433 current_factor_shift=0.013596465388423686
Xcell7_pull_up cell7_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.002803941908023853 current_factor_shift=0.13870493518839208
Xcell7_access_bar blb wl_7 cell7_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.004689699035895094 current_factor_shift=-0.05796113335643203
Xcell7_pull_down_bar cell7_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.01038486540292218 current_factor_shift=0.05142286075124846
Xcell7_pull_up_bar cell7_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.028941403939330593 current_factor_shift=0.030392314815096442
Rwl_8 driver_1 wl_8 'R_WL'
Cwl_8 wl_8 0 'C_WL_cell'
Xcell8_access bl wl_8 cell8_q 0 nmos W='W_access' L='L_access' threshold_shift=0.029013316929708523 current_factor_shift=-0.09096080006019648
Xcell8_pull_down cell8_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.017286668627995355 current_factor_shift=-0.008971949175739909
Xcell8_pull_up cell8_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.06070565993223439 current_factor_shift=0.10541083492812187
Xcell8_access_bar blb wl_8 cell8_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.00015813752827035414 current_factor_shift=0.06285916677184758
Xcell8_pull_down_bar cell8_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.021517039236394243 current_factor_shift=0.07703313727019226
Xcell8_pull_up_bar cell8_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.0366538295070692 current_factor_shift=-0.14841531436378122
Rwl_9 driver_1 wl_9 'R_WL'
Cwl_9 wl_9 0 'C_WL_cell'
Xcell9_access bl wl_9 cell9_q 0 nmos W='W_access' L='L_access' threshold_shift=0.028841014447398908 current_factor_shift=0.05706480552278329
Xcell9_pull_down cell9_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.02141991248590419 current_factor_shift=0.042692217869890005
Xcell9_pull_up cell9_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.0004206911059186942 current_factor_shift=-0.13334876355082373
Xcell9_access_bar blb wl_9 cell9_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.03625777049838968 current_factor_shift=0.035081240860908434
Xcell9_pull_down_bar cell9_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.005933777216385259 current_factor_shift=-0.024506693062893273
Xcell9_pull_up_bar cell9_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.002752141598232229 current_factor_shift=0.05652897721856907
Rwl_10 driver_1 wl_10 'R_WL'
Cwl_10 wl_10 0 'C_WL_cell'
Xcell10_access bl wl_10 cell10_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.015272900562497563 current_factor_shift=-0.019266020211779204
Xcell10_pull_down cell10_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.007266039151126471 current_factor_shift=-0.008828435531354472
Xcell10_pull_up cell10_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.04545520363605031 current_factor_shift=-0.09926621857195339
Xcell10_access_bar blb wl_10 cell10_qb 0 nmos W='W_access' L='L_access' threshold_shift=0.044106285003330616 current_factor_shift=0.06670050869579448
Xcell10_pull_down_bar cell10_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.029244190272834585 current_factor_shift=-0.10096596457163305
Xcell10_pull_up_bar cell10_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.008355198470539596 current_factor_shift=0.09318805861988862
Rwl_11 driver_1 wl_11 'R_WL'
Cwl_11 wl_11 0 'C_WL_cell'
Xcell11_access bl wl_11 cell11_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.038687792465585076 current_factor_shift=0.02841569690907088
Xcell11_pull_down cell11_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.015342756778270846 current_factor_shift=0.026567697870638007
Xcell11_pull_up cell11_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.002457776328670628 current_factor_shift=0.07070622910407047
Xcell11_access_bar blb wl_11 cell11_qb 0 nmos W='W_access' L='L_access' threshold_shift=0.01876212878558611 current_factor_shift=-0.05976847171317135
Xcell11_pull_down_bar cell11_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.04859425415754733 current_factor_shift=0.21910680904314822
Xcell11_pull_up_bar cell11_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.005755755699667578 current_factor_shift=-0.12166206988025446
Rwl_12 driver_1 wl_12 'R_WL'
Cwl_12 wl_12 0 'C_WL_cell'
Xcell12_access bl wl_12 cell12_q 0 nmos W='W_access' L='L_access' threshold_shift=0.0058863213261337345 current_factor_shift=-0.05603274586438191
Xcell12_pull_down cell12_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.02193625578662823 current_factor_shift=-0.03007528390237893
Xcell12_pull_up cell12_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.04505383601497749 current_factor_shift=-0.04171204640708729
Xcell12_access_bar blb wl_12 cell12_qb 0 nmos W='W_access' L='L_access' threshold_shift=0.03624969905035724 current_factor_shift=0.13154845670694967
Xcell12_pull_down_bar cell12_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.006960581221098399 current_factor_shift=0.022969854719037487
Xcell12_pull_up_bar cell12_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.01770224924337535 current_factor_shift=-0.1318488758072408
Rwl_13 driver_1 wl_13 'R_WL'
Cwl_13 wl_13 0 'C_WL_cell'
Xcell13_access bl wl_13 cell13_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.010032383777619456 current_factor_shift=0.02085734451160094
Xcell13_pull_down cell13_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.007315012543830155 current_factor_shift=0.0819116983015201
Xcell13_pull_up cell13_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.006270926780347987 current_factor_shift=0.08254839172606392
Xcell13_access_bar blb wl_13 cell13_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.012311765805687833 current_factor_shift=-0.11296618213937977
Xcell13_pull_down_bar cell13_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=0.015744234202261266 current_factor_shift=-0.04645999754046003
Xcell13_pull_up_bar cell13_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.052776554979592986 current_factor_shift=-0.09117503854353039
Rwl_14 driver_1 wl_14 'R_WL'
Cwl_14 wl_14 0 'C_WL_cell'
Xcell14_access bl wl_14 cell14_q 0 nmos W='W_access' L='L_access' threshold_shift=-0.021654178566240172 current_factor_shift=0.0766411857890138
Xcell14_pull_down cell14_q vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.011020254764733447 current_factor_shift=-0.11238897870282359
Xcell14_pull_up cell14_q vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.006360455155286085 current_factor_shift=-0.06540557055067088
Xcell14_access_bar blb wl_14 cell14_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.031527313062471925 current_factor_shift=0.008373556631837349
Xcell14_pull_down_bar cell14_qb 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.013965825145487309 current_factor_shift=0.029663160003332783
Xcell14_pull_up_bar cell14_qb 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=0.016726371295226382 current_factor_shift=0.006371792305250662
Rwl_15 driver_1 wl_15 'R_WL'
Cwl_15 wl_15 0 'C_WL_cell'
Xcell15_access bl wl_15 cell15_q 0 nmos W='W_access' L='L_access' threshold_shift=0.020827007907161667 current_factor_shift=-0.08553423823062925
Xcell15_pull_down cell15_q 0 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.009826949931860037 current_factor_shift=-0.03818524200187658
Xcell15_pull_up cell15_q 0 vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.038785054828285086 current_factor_shift=0.0273230518937797
Xcell15_access_bar blb wl_15 cell15_qb 0 nmos W='W_access' L='L_access' threshold_shift=-0.008012517944826849 current_factor_shift=0.0821560380172009
Xcell15_pull_down_bar cell15_qb vdd 0 0 nmos W='W_pull_down' L='L_pull_down' threshold_shift=-0.01689706188657586 current_factor_shift=0.03388962519945953
Xcell15_pull_up_bar cell15_qb vdd vdd vdd pmos W='W_pull_up' L='L_pull_up' threshold_shift=-0.01902864036125942 current_factor_shift=-0.10777814574057232

.option post=1 probe=1 delmax=10p reltol=1e-06 chgtol=1e-18 trtol=1
.probe tran v(bl) v(blb) v(energy_precharge) v(energy_cell) v(energy_driver_1)
.meas tran bl_sample FIND v(bl) AT=7.346719999999999e-10
.meas tran blb_sample FIND v(blb) AT=7.346719999999999e-10
.meas tran energy_precharge MAX v(energy_precharge)
.meas tran energy_cell MAX v(energy_cell)
.meas tran energy_driver_1 MAX v(energy_driver_1)
.tran 10p 4.734672e-09
.end
